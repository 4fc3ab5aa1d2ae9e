import CTKCore
package import CTKModel

/// Which parameters a mask scores or a run trains densely.
package enum ParameterScope: Sendable, Equatable {
  /// Everything in the encoder's layers, biases and normalisation included.
  case encoder
  /// The whole pretrained network: embeddings and layers.
  case all
  /// Names that a regular expression matches somewhere.
  case pattern(String)

  /// - Parameter text: `encoder`, `all`, or a regular expression.
  package init(_ text: String) {
    switch text {
    case "encoder": self = .encoder
    case "all": self = .all
    default: self = .pattern(text)
    }
  }

  /// The parameters in scope, in layout order.
  ///
  /// - Throws: `options.pattern-invalid`.
  package func parameters(of layout: ParameterLayout) throws(TuningError) -> [ParameterID] {
    switch self {
    case .encoder:
      return layout.allIDs.filter { layout[$0].part > .embeddings && layout[$0].part < .head }
    case .all:
      return layout.allIDs.filter { layout[$0].part < .head }
    case .pattern(let text):
      let names = try NamePatternMatcher(text)
      return layout.allIDs.filter { names.matches(layout[$0].name) }
    }
  }
}

/// A regular expression over parameter names.
package struct NamePatternMatcher {
  private let expression: Regex<AnyRegexOutput>

  /// - Throws: `options.pattern-invalid`.
  package init(_ text: String) throws(TuningError) {
    do {
      expression = try Regex(text)
    } catch {
      throw TuningError(
        .patternInvalid, "'\(text)' is not a regular expression: \(error)",
        hint: "write a pattern over tensor names, such as 'layer\\.[45]\\..*weight'")
    }
  }

  package func matches(_ name: String) -> Bool { name.firstMatch(of: expression) != nil }
}
