import CTKCore
package import CTKModel

/// Which parameters a mask scores or a run trains densely.
package enum ParameterScope: Sendable, Equatable {
  /// Everything in the encoder's layers, biases and normalisation included.
  case encoder
  /// The whole pretrained network: embeddings and layers.
  case all
  /// Everything in some of the encoder's layers, counted from 0.
  case layers(Set<Int>)
  /// Names that a regular expression matches somewhere.
  case pattern(String)

  private static let layersPrefix = "layers:"

  /// - Parameter text: `encoder`, `all`, `layers:` with numbers and ranges as in
  ///   `layers:0,4-11`, or a regular expression.
  /// - Throws: `options.pattern-invalid`.
  package init(_ text: String) throws(TuningError) {
    switch text {
    case "encoder": self = .encoder
    case "all": self = .all
    case _ where text.hasPrefix(Self.layersPrefix):
      self = .layers(try Self.layers(text.dropFirst(Self.layersPrefix.count)))
    default:
      _ = try NamePatternMatcher(text)
      self = .pattern(text)
    }
  }

  private static func layers(_ text: Substring) throws(TuningError) -> Set<Int> {
    var layers: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        first >= 0, first <= last, last < layerLimit
      else {
        throw TuningError(
          .patternInvalid, "'\(layersPrefix)\(text)' does not list layers",
          hint: "write numbers from 0 and ranges of them, as in layers:0,4-11")
      }
      layers.formUnion(first...last)
    }
    return layers
  }

  /// No encoder has as many layers.
  private static let layerLimit = 10_000

  /// The parameters in scope, in layout order.
  ///
  /// - Throws: `options.pattern-invalid`, and `options.invalid` for layers the network lacks.
  package func parameters(of layout: ParameterLayout) throws(TuningError) -> [ParameterID] {
    switch self {
    case .encoder:
      return layout.allIDs.filter { layout[$0].part > .embeddings && layout[$0].part < .head }
    case .all:
      return layout.allIDs.filter { layout[$0].part < .head }
    case .layers(let numbers):
      return try parameters(of: layout, in: numbers)
    case .pattern(let text):
      let names = try NamePatternMatcher(text)
      return layout.allIDs.filter { names.matches(layout[$0].name) }
    }
  }

  private func parameters(
    of layout: ParameterLayout, in numbers: Set<Int>
  ) throws(TuningError) -> [ParameterID] {
    var found: Set<Int> = []
    let ids = layout.allIDs.filter { id in
      guard case .layer(let number) = layout[id].part else { return false }
      found.insert(number)
      return numbers.contains(number)
    }
    if let unknown = numbers.subtracting(found).min() {
      throw TuningError(
        .optionInvalid,
        "there is no layer \(unknown), the model's layers are 0 to \(found.max() ?? 0)")
    }
    return ids
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
