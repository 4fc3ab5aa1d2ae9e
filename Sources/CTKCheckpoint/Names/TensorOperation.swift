/// What turns a source tensor into its target.
public enum TensorOperation: String, Sendable, CaseIterable {
  case copy
  /// A matrix stored as [in, out] becomes [out, in].
  case transpose

  /// The shape of the result; nil when the operation does not apply.
  func shape(from source: [Int]) -> [Int]? {
    switch self {
    case .copy: source
    case .transpose: source.count == 2 ? [source[1], source[0]] : nil
    }
  }
}
