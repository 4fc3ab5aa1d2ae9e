package import CTKCheckpoint
package import CTKCore
package import CTKModel
import CTKSafetensors
import CTKTensor
package import CTKText

/// A base checkpoint made ready for one task: network, weights and tokenizer.
package struct TaskModel {
  let base: TaskBase
  package let network: SequenceClassifier
  package let parameters: ParameterVector
  package let labels: LabelSpace
  /// Parameters that the base lacks and that were drawn from the seed.
  package let initialized: [ParameterID]

  package var checkpoint: Checkpoint { base.checkpoint }
  package var tokenizer: any Tokenizer { base.tokenizer }

  /// - Parameter weights: the tensors to load; nil takes the checkpoint's own.
  /// - Parameter headKind: what the head among `weights` is for; nil takes the checkpoint's.
  /// - Parameter seed: draws what the base lacks; nil makes a missing head an error.
  /// - Throws: `tuning.head-mismatch`, `model.tensor-missing` and the errors of the checkpoint.
  package static func load(
    _ base: TaskBase, weights: (any TensorSource)? = nil, headKind: HeadKind? = nil,
    labels: LabelSpace, seed: UInt64?
  ) throws(TuningError) -> TaskModel {
    let checkpoint = base.checkpoint
    let source = weights ?? checkpoint.weights
    try TaskBase.requireHead(
      of: labels, in: source, kind: headKind ?? HeadKind(checkpoint.configurationJSON),
      checkpoint)
    let network = try TuningError.wrap { () throws(ModelError) in
      try SequenceClassifier(
        configuration: checkpoint.configuration, labelCount: labels.count,
        head: labels.headKind)
    }
    let parameters = ParameterVector(layout: network.layout)
    let missing = try fill(parameters, from: source, checkpoint)
    try draw(missing, of: parameters, checkpoint, seed: seed)
    return TaskModel(
      base: base, network: network, parameters: parameters, labels: labels, initialized: missing)
  }

  static func missingHead(_ path: String, name: String) -> TuningError {
    TuningError(
      wrapping: ModelError(
        .tensorMissing, "the model has no tensor '\(name)'", path: path,
        hint: "give the --patch of the task, or a model that was tuned for it"))
  }

  private static func fill(
    _ parameters: ParameterVector, from source: any TensorSource, _ checkpoint: Checkpoint
  ) throws(TuningError) -> [ParameterID] {
    do {
      let missing = try parameters.load(from: source)
      for info in checkpoint.weights.tensors { checkpoint.weights.discard(info.name) }
      return missing
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error).at(checkpoint.path)
    } catch {
      throw TuningError(wrapping: CoreError(.fileUnreadable, "\(error)", path: checkpoint.path))
    }
  }

  private static func draw(
    _ missing: [ParameterID], of parameters: ParameterVector, _ checkpoint: Checkpoint,
    seed: UInt64?
  ) throws(TuningError) {
    let layout = parameters.layout
    for id in missing {
      guard let seed, layout[id].part == .head else {
        throw missingHead(checkpoint.path, name: layout[id].name)
      }
      parameters.initialize(
        id, deviation: checkpoint.configuration.initializerRange,
        random: CounterRandom(seed, 0x6865_6164, UInt64(id.index)))
    }
  }

  /// The same model with weights of its own.
  func copyingParameters() -> TaskModel {
    let copy = ParameterVector(layout: parameters.layout)
    copy.copy(parameters)
    return TaskModel(
      base: base, network: network, parameters: copy, labels: labels, initialized: initialized)
  }

  /// The model with its uppermost layers and all above them drawn anew.
  ///
  /// - Parameter layers: how many; 0 leaves everything as it is.
  package func reinitialized(layers count: Int, seed: UInt64) -> TaskModel {
    if count == 0 { return self }
    let layout = network.layout
    let lowest = NetworkPart.layer(network.configuration.layerCount - count)
    let drawn = layout.allIDs.filter { layout[$0].part >= lowest }
    for id in drawn where !initialized.contains(id) {
      parameters.initialize(
        id, deviation: checkpoint.configuration.initializerRange,
        random: CounterRandom(seed, 0x6865_6164, UInt64(id.index)))
    }
    return TaskModel(
      base: base, network: network, parameters: parameters, labels: labels,
      initialized: Set(initialized).union(drawn).sorted())
  }

  /// The base's configuration with the task's head described in it.
  package var tunedConfiguration: JSONValue {
    var fields = checkpoint.configurationJSON.objectValue ?? JSONObject()
    let modelType = fields["model_type"]?.stringValue
    fields["architectures"] = [
      .string(
        checkpoint.configuration.architecture.modelClass(
          labels.headKind, modelType: modelType))
    ]
    fields["problem_type"] = labels.problemType.map { .string($0) }
    let names = labels.names
    var byID = JSONObject()
    var byName = JSONObject()
    for (id, name) in names.enumerated() {
      byID[String(id)] = .string(name)
      byName[name] = .integer(id)
    }
    fields["id2label"] = .object(byID)
    fields["label2id"] = .object(byName)
    return .object(fields)
  }
}
