package import CTKModel

/// What a task predicts: one of several classes, a score, or a class of each word.
package enum LabelSpace: Sendable, Equatable {
  /// Class names in the order of their ids.
  case classes([String])
  case score
  /// Names of the words' classes in the order of their ids.
  case tags([String])

  /// Outputs of the head.
  package var count: Int { names.count }

  /// Names of the head's outputs, as a configuration lists them.
  package var names: [String] {
    switch self {
    case .classes(let names), .tags(let names): names
    case .score: ["LABEL_0"]
    }
  }

  package var headKind: HeadKind {
    switch self {
    case .classes, .score: .sequence
    case .tags: .tokens
    }
  }

  /// The `problem_type` of a Hugging Face configuration; nil where it has none.
  package var problemType: String? {
    switch self {
    case .classes: "single_label_classification"
    case .score: "regression"
    case .tags: nil
    }
  }
}
