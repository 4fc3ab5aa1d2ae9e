import CTKCheckpoint
package import CTKCore
package import CTKModel
import CTKTensor

/// The tuned weights of a run: the base's tensors with what trained in their place.
///
/// Training is in f32. What trained is rounded, to nearest and ties to even, to the element
/// type that the base stores the tensor in, which leaves weights that did not move as they
/// are; a tensor that the base lacks is f32. A tensor in which nothing trained is the base's
/// own, byte for byte.
package struct RunWeights: TensorSource {
  private let base: any TensorSource
  private let parameters: ParameterVector
  private let trained: [String: (info: TensorInfo, id: ParameterID)]
  package let tensors: [TensorInfo]

  /// - Throws: `tensor.not-float` for a base whose trained tensors are not of floats.
  package init(
    base: any TensorSource, parameters: ParameterVector, plan: TrainablePlan
  ) throws(TuningError) {
    self.base = base
    self.parameters = parameters
    var trained: [String: (info: TensorInfo, id: ParameterID)] = [:]
    for slice in plan.slices {
      let parameter = plan.layout[slice.id]
      let dtype = base.info(of: parameter.name)?.dtype ?? .f32
      guard [.f32, .f16, .bf16].contains(dtype) else {
        throw TuningError(
          wrapping: TensorError(
            .notFloat, "'\(parameter.name)' is stored as \(dtype.rawValue)",
            hint: "import the base with --dtype f32"))
      }
      let info = try TuningError.wrap { () throws(CoreError) in
        try TensorInfo(name: parameter.name, dtype: dtype, shape: parameter.shape)
      }
      trained[parameter.name] = (info, slice.id)
    }
    self.trained = trained
    tensors =
      (base.tensors.filter { trained[$0.name] == nil } + trained.values.map(\.info))
      .sorted { utf8Precedes($0.name, $1.name) }
  }

  package func info(of name: String) -> TensorInfo? {
    trained[name]?.info ?? base.info(of: name)
  }

  package func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = trained[name] else { return try base.withTensorBytes(name, body) }
    return try withExtendedLifetime(parameters) {
      let floats = UnsafeRawBufferPointer(
        start: parameters.pointer(entry.id), count: 4 * entry.info.elementCount)
      if entry.info.dtype == .f32 { return try body(floats) }
      let rounded = UnsafeMutableRawBufferPointer.allocate(
        byteCount: entry.info.byteCount, alignment: 16)
      defer { rounded.deallocate() }
      if FloatCast.convert(floats, .f32, to: rounded, entry.info.dtype) > 0 {
        throw StoredPrecision.overflow(name, entry.info.dtype)
      }
      return try body(UnsafeRawBufferPointer(rounded))
    }
  }
}
