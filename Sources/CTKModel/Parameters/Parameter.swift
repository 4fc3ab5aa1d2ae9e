/// Index of a parameter in its layout.
package struct ParameterID: Hashable, Sendable, Comparable {
  package let index: Int

  package init(_ index: Int) { self.index = index }

  package static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}

/// What a parameter does in the network.
package enum ParameterRole: Sendable {
  case embedding
  case matrix
  case bias
  case normScale
  case normShift

  /// Decoupled weight decay spares biases and normalisation, as is usual for
  /// AdamW fine-tuning of encoders.
  package var decays: Bool { self == .embedding || self == .matrix }
}

/// The part of the network a parameter belongs to, bottom to top.
package enum NetworkPart: Sendable, Hashable, Comparable {
  case embeddings
  case layer(Int)
  case head

  private var height: Int {
    switch self {
    case .embeddings: -1
    case .layer(let number): number
    case .head: Int.max
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.height < right.height }
}

/// A named tensor of the network and its place in the parameter vector.
package struct Parameter: Sendable {
  package let name: String
  package let shape: [Int]
  package let role: ParameterRole
  package let part: NetworkPart
  /// First float in the parameter vector.
  package let offset: Int
  package let count: Int
  /// Whether a product takes it and its neighbours as one matrix.
  package let isStacked: Bool

  /// First extent; 1 for vectors.
  package var rows: Int { shape.count > 1 ? shape[0] : 1 }
  /// All further extents together, such as heads times head size.
  package var columns: Int { count / max(rows, 1) }
}
