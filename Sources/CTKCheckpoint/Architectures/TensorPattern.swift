import CTKCore

/// An extent that a configuration decides.
package enum Extent: Sendable, Hashable {
  case vocabulary
  case hidden
  case doubleHidden
  case embedding
  case intermediate
  case heads
  case headSize
  case positions
  case tokenTypes
  case labels
  case fixed(Int)
}

/// One canonical tensor, or one per layer.
package struct TensorPattern: Sendable {
  package let name: NamePattern
  let shape: [Extent]
  package let part: ModelPart

  init(_ name: String, _ shape: [Extent], _ part: ModelPart) {
    self.name = NamePattern(name, separator: ".")
    self.shape = shape
    self.part = part
  }

  /// Weight [out, in] and bias of a dense layer.
  static func dense(
    _ name: String, from inputs: Extent, to outputs: Extent, _ part: ModelPart
  ) -> [TensorPattern] {
    [
      TensorPattern(name + ".weight", [outputs, inputs], part),
      TensorPattern(name + ".bias", [outputs], part),
    ]
  }

  /// Scale and shift of a layer normalisation.
  static func norm(_ name: String, _ width: Extent, _ part: ModelPart) -> [TensorPattern] {
    [
      TensorPattern(name + ".weight", [width], part),
      TensorPattern(name + ".bias", [width], part),
    ]
  }

  /// An embedding table.
  static func table(
    _ name: String, rows: Extent, width: Extent, _ part: ModelPart = .embeddings
  ) -> [TensorPattern] {
    [TensorPattern(name + ".weight", [rows, width], part)]
  }
}
