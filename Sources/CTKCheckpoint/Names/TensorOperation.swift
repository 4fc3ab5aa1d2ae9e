import CTKCore

/// What turns a source tensor into its target.
public enum TensorOperation: String, Sendable, CaseIterable {
  case copy
  /// A matrix stored as [in, out] becomes [out, in].
  case transpose
  /// A kernel [in, heads, head size] becomes [heads * head size, in].
  case transposeHeadsOut = "transpose-heads-out"
  /// A kernel [heads, head size, out] becomes [out, heads * head size].
  case transposeHeadsIn = "transpose-heads-in"
  /// A bias [heads, head size] becomes a vector.
  case flattenHeads = "flatten-heads"
  /// A table gets rows of zeros before its first, for positions that only padding has.
  case prependPadding = "prepend-padding"

  /// The shape of the result; nil when the operation does not apply.
  func shape(from source: [Int], _ configuration: ModelConfiguration) -> [Int]? {
    let heads = [configuration.headCount, configuration.headSize]
    switch self {
    case .copy:
      return source
    case .transpose:
      return source.count == 2 ? [source[1], source[0]] : nil
    case .transposeHeadsOut:
      guard source.count == 3, Array(source[1...]) == heads else { return nil }
      return [source[1] * source[2], source[0]]
    case .transposeHeadsIn:
      guard source.count == 3, Array(source[..<2]) == heads else { return nil }
      return [source[2], source[0] * source[1]]
    case .flattenHeads:
      return source == heads ? [source[0] * source[1]] : nil
    case .prependPadding:
      return source.count == 2 ? [source[0] + configuration.firstPosition, source[1]] : nil
    }
  }

  /// The source's elements as the matrix to transpose; nil when the operation is another one.
  func matrix(of source: [Int]) -> (rows: Int, columns: Int)? {
    switch self {
    case .transpose: (source[0], source[1])
    case .transposeHeadsOut: (source[0], source[1] * source[2])
    case .transposeHeadsIn: (source[0] * source[1], source[2])
    case .copy, .flattenHeads, .prependPadding: nil
    }
  }
}
