package import CTKCore
package import CTKModel
import CTKSafetensors
package import CTKTensor

/// The resumable part of a run: compact weights, moments and the step count.
package enum RunState {
  private static let weightsName = "weights"
  private static let format = "ctk-run-state"
  private static let completeKey = "complete"

  /// What a state is saved for.
  package enum Purpose: Sendable {
    /// To go on training.
    case resuming
    /// To look back at: the weights alone.
    case weights
    /// The run's end.
    case completion
  }

  /// Writes the state so that it is complete or absent at every moment.
  package static func save(
    _ trainer: Trainer, planDigest: Digest, for purpose: Purpose, to path: String
  ) throws(TuningError) {
    let weights = FloatBuffer(count: trainer.plan.count)
    trainer.plan.gather(trainer.parameters, into: weights)
    var vectors = [(weightsName, weights)]
    if purpose == .resuming { vectors += trainer.optimizer.state }
    var metadata = ["format": format, "plan": planDigest.hex, "step": String(trainer.stepCount)]
    if purpose == .completion { metadata[completeKey] = "true" }
    do {
      let infos = try vectors.map { try TensorInfo(name: $0.0, dtype: .f32, shape: [$0.1.count]) }
      var writer = try SafetensorsWriter(
        path: path, tensors: infos, metadata: metadata, replacesExisting: true)
      for info in writer.order {
        guard let buffer = vectors.first(where: { $0.0 == info.name })?.1 else { continue }
        try writer.write(UnsafeRawBufferPointer(start: buffer.base, count: info.byteCount))
      }
      try writer.commit()
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, String(describing: error), path: path)
    }
    withExtendedLifetime(vectors) {}
  }

  /// Continues a trainer from a saved state.
  ///
  /// - Parameter totalSteps: most steps of the whole run.
  /// - Returns: whether the run is complete; only then are there no moments.
  /// - Throws: `run.state-invalid` when the state belongs to another plan, counts steps that
  ///   the run does not have, or lacks the moments to go on with.
  package static func restore(
    _ trainer: Trainer, planDigest: Digest, totalSteps: Int, from path: String
  ) throws(TuningError) -> Bool {
    let file = try open(path, planDigest: planDigest, plan: trainer.plan)
    guard let step = file.metadata["step"].flatMap({ Int($0) }), (1...totalSteps).contains(step)
    else {
      throw TuningError(
        .stateInvalid, "the saved state's step is not one of the run's \(totalSteps)", path: path)
    }
    try loadWeights(of: file, plan: trainer.plan, into: trainer.parameters)
    let isComplete = file.metadata[completeKey] == "true"
    if !isComplete {
      for vector in trainer.optimizer.state {
        try load(vector.name, of: file, into: vector.values)
      }
    }
    trainer.stepCount = step
    return isComplete
  }

  /// Puts a run's weights into the base's parameters.
  ///
  /// - Parameter step: the step that the state must be of; nil takes any.
  package static func restoreWeights(
    _ parameters: ParameterVector, plan: TrainablePlan, planDigest: Digest, step: Int? = nil,
    from path: String
  ) throws(TuningError) {
    let file = try open(path, planDigest: planDigest, plan: plan)
    if let step, file.metadata["step"] != String(step) {
      throw TuningError(
        .stateInvalid, "the saved weights are not those of step \(step)", path: path)
    }
    try loadWeights(of: file, plan: plan, into: parameters)
  }

  private static func open(
    _ path: String, planDigest: Digest, plan: TrainablePlan
  ) throws(TuningError) -> SafetensorsFile {
    let file = try TuningError.wrap { () throws(SafetensorsError) in
      try SafetensorsFile(path: path)
    }
    guard file.metadata["format"] == format, file.metadata["plan"] == planDigest.hex,
      file.info(of: weightsName)?.shape == [plan.count]
    else {
      throw TuningError(
        .stateInvalid, "the saved state does not belong to this run's base and mask", path: path)
    }
    return file
  }

  private static func loadWeights(
    of file: SafetensorsFile, plan: TrainablePlan, into parameters: ParameterVector
  ) throws(TuningError) {
    let weights = FloatBuffer(count: plan.count)
    try load(weightsName, of: file, into: weights)
    plan.scatter(weights, into: parameters)
  }

  private static func load(
    _ name: String, of file: SafetensorsFile, into buffer: FloatBuffer
  ) throws(TuningError) {
    guard let info = file.info(of: name), info.dtype == .f32, info.elementCount == buffer.count
    else {
      throw TuningError(
        .stateInvalid, "the saved state has no usable '\(name)'", path: file.path)
    }
    do {
      try file.withTensorBytes(name) { try FloatDecoding.decode($0, info: info, into: buffer.base) }
    } catch {
      throw TuningError(.stateInvalid, "cannot read '\(name)': \(error)", path: file.path)
    }
  }
}

extension TrainablePlan {
  /// Copies the trainable weights out of the parameters.
  package func gather(_ parameters: ParameterVector, into compact: FloatBuffer) {
    for slice in slices {
      let (target, weights) = (compact.base + slice.start, parameters.pointer(slice.id))
      if let first = slice.firstPosition {
        let places = positions.base + first
        for index in 0..<slice.count { target[index] = weights[Int(places[index])] }
      } else {
        target.update(from: weights, count: slice.count)
      }
    }
  }

  /// Copies compact weights to their places among the parameters.
  package func scatter(_ compact: FloatBuffer, into parameters: ParameterVector) {
    for slice in slices { scatter(compact, slice, into: parameters) }
  }

  /// The same for one slice.
  func scatter(_ compact: FloatBuffer, _ slice: Slice, into parameters: ParameterVector) {
    parameters.own(slice.id)
    let (source, weights) = (compact.base + slice.start, parameters.mutablePointer(slice.id))
    if let first = slice.firstPosition {
      let places = positions.base + first
      for index in 0..<slice.count { weights[Int(places[index])] = source[index] }
    } else {
      weights.update(from: source, count: slice.count)
    }
  }

  /// Identity of what trains: names, shapes and positions.
  package var digest: Digest {
    var hasher = StreamingDigest()
    for slice in slices {
      let parameter = layout[slice.id]
      hasher.update("\(parameter.name)\n\(parameter.shape)\n\(slice.count)\n")
      if let first = slice.firstPosition {
        hasher.update(UnsafeRawBufferPointer(start: positions.base + first, count: 4 * slice.count))
      }
    }
    return hasher.finalize()
  }
}
