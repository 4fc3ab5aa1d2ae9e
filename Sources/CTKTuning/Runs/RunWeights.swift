package import CTKCore
package import CTKModel
import CTKTensor

/// The tuned weights of a run: the base's tensors with what trained in their place.
///
/// A tensor in which nothing trained is the base's own, byte for byte.
package struct RunWeights: TensorSource {
  private let base: any TensorSource
  private let parameters: ParameterVector
  private let trained: [String: (info: TensorInfo, id: ParameterID)]
  package let tensors: [TensorInfo]

  /// - Throws: as reading the run's state does, and `run.mismatch` for a base whose
  ///   trained tensors are not stored as f32.
  package init(
    base: any TensorSource, parameters: ParameterVector, plan: TrainablePlan
  ) throws(TuningError) {
    self.base = base
    self.parameters = parameters
    var trained: [String: (info: TensorInfo, id: ParameterID)] = [:]
    for slice in plan.slices {
      let parameter = plan.layout[slice.id]
      if let stored = base.info(of: parameter.name), stored.dtype != .f32 {
        throw TuningError(
          .runMismatch,
          "'\(parameter.name)' is stored as \(stored.dtype.rawValue); only f32 bases can be tuned",
          hint: "import the base with --dtype f32")
      }
      let info = try TuningError.wrap { () throws(CoreError) in
        try TensorInfo(name: parameter.name, dtype: .f32, shape: parameter.shape)
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

  package func discard(_ name: String, _ part: Range<Int>?) {
    if trained[name] == nil { base.discard(name, part) }
  }

  package func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = trained[name] else { return try base.withTensorBytes(name, body) }
    return try withExtendedLifetime(parameters) {
      try body(
        UnsafeRawBufferPointer(
          start: parameters.pointer(entry.id), count: entry.info.byteCount))
    }
  }
}
