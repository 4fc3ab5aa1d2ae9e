import CTKCore

/// A source in which the variables that XLNet's original program stacks over its layers are a
/// tensor for each layer: `transformer/r_w_bias` becomes `transformer/r_w_bias/0` and so on.
struct UnstackedTensors: TensorSource {
  static let stackedVariables = ["r_w_bias", "r_r_bias", "r_s_bias", "seg_embed"]

  let tensors: [TensorInfo]
  private let base: any TensorSource
  private let slices: [UTF8Key: Slice]

  /// One layer of a stacked variable.
  private struct Slice: Sendable {
    let info: TensorInfo
    let variable: TensorInfo
    let layer: Int

    /// In the variable's bytes.
    var range: Range<Int> {
      layer * info.byteCount..<(layer + 1) * info.byteCount
    }
  }

  /// Layers that a variable is taken apart into, at most.
  private static let layerLimit = 1 << 10

  /// - Returns: nil when nothing in the source is stacked.
  init?(_ base: any TensorSource) throws(CoreError) {
    guard SourceLayout.detect(base.tensors.lazy.map(\.name)) == .original else { return nil }
    var tensors: [TensorInfo] = []
    var slices: [UTF8Key: Slice] = [:]
    for variable in base.tensors {
      guard Self.isStacked(variable) else {
        tensors.append(variable)
        continue
      }
      for layer in 0..<variable.shape[0] {
        let info = try TensorInfo(
          name: "\(variable.name)/\(layer)", dtype: variable.dtype,
          shape: Array(variable.shape.dropFirst()))
        tensors.append(info)
        slices[UTF8Key(info.name)] = Slice(info: info, variable: variable, layer: layer)
      }
    }
    if slices.isEmpty { return nil }
    self.tensors = tensors.sorted { utf8Precedes($0.name, $1.name) }
    self.base = base
    self.slices = slices
  }

  func info(of name: String) -> TensorInfo? {
    slices[UTF8Key(name)]?.info ?? base.info(of: name)
  }

  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let slice = slices[UTF8Key(name)] else { return try base.withTensorBytes(name, body) }
    return try base.withTensorBytes(slice.variable.name) { bytes in
      try body(UnsafeRawBufferPointer(rebasing: bytes[slice.range]))
    }
  }

  func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let slice = slices[UTF8Key(name)] else { return base.discard(name, part) }
    let start = slice.range.lowerBound
    let range = part.map { start + $0.lowerBound..<start + $0.upperBound } ?? slice.range
    base.discard(slice.variable.name, range)
  }

  /// The biases have an axis for heads and one for their size, the segments one more.
  private static func isStacked(_ variable: TensorInfo) -> Bool {
    let components = VariablePath(variable.name).components
    guard let leaf = components.last, stackedVariables.contains(String(leaf)),
      components.dropLast().last == "transformer", variable.dtype.bitWidth >= 8,
      let layers = variable.shape.first
    else { return false }
    return variable.shape.count == (leaf == "seg_embed" ? 4 : 3)
      && (1...layerLimit).contains(layers) && variable.elementCount > 0
  }
}
