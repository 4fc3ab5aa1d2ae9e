/// What a task predicts: one of several classes, or a score.
package enum LabelSpace: Sendable, Equatable {
  /// Class names in the order of their ids.
  case classes([String])
  case score

  /// Outputs of the head.
  package var count: Int {
    switch self {
    case .classes(let names): names.count
    case .score: 1
    }
  }

  /// The `problem_type` of a Hugging Face configuration.
  package var problemType: String {
    switch self {
    case .classes: "single_label_classification"
    case .score: "regression"
    }
  }
}
