package import CTKCheckpoint
package import CTKCore
package import CTKModel
import CTKSafetensors
import CTKTensor
package import CTKText

/// A base checkpoint made ready for one task: network, weights and tokenizer.
package struct TaskModel {
  package let checkpoint: Checkpoint
  package let network: SequenceClassifier
  package let parameters: ParameterVector
  package let tokenizer: any Tokenizer
  package let labels: LabelSpace
  /// Parameters that the base lacks and that were drawn from the seed.
  package let initialized: [ParameterID]

  /// - Parameter weights: the tensors to load; nil takes the checkpoint's own.
  /// - Parameter headKind: what the head among `weights` is for; nil takes the checkpoint's.
  /// - Parameter seed: draws what the base lacks; nil makes a missing head an error.
  /// - Throws: `tuning.head-mismatch`, `tuning.tokenizer-mismatch`, `model.tensor-missing`
  ///   and the errors of the checkpoint and the tokenizer.
  package static func load(
    _ checkpoint: Checkpoint, weights: (any TensorSource)? = nil, headKind: HeadKind? = nil,
    labels: LabelSpace, seed: UInt64?
  ) throws(TuningError) -> TaskModel {
    let source = weights ?? checkpoint.weights
    try requireHead(
      of: labels, in: source, kind: headKind ?? HeadKind(checkpoint.configurationJSON),
      checkpoint)
    let network = try TuningError.wrap { () throws(ModelError) in
      try SequenceClassifier(
        configuration: checkpoint.configuration, labelCount: labels.count,
        head: labels.headKind)
    }
    let tokenizer = try tokenizer(of: checkpoint)
    let parameters = ParameterVector(layout: network.layout)
    let missing = try fill(parameters, from: source, checkpoint)
    try draw(missing, of: parameters, checkpoint, seed: seed)
    return TaskModel(
      checkpoint: checkpoint, network: network, parameters: parameters, tokenizer: tokenizer,
      labels: labels, initialized: missing)
  }

  /// Refuses a checkpoint whose head or tokenizer cannot be used, before any other work.
  ///
  /// - Parameter labels: the task's, where they are known without its data.
  /// - Throws: `tuning.head-mismatch`, `tuning.tokenizer-mismatch` and the codes of tokenizers.
  package static func require(
    _ checkpoint: Checkpoint, for labels: LabelSpace?
  ) throws(TuningError) {
    if let labels {
      try requireHead(
        of: labels, in: checkpoint.weights, kind: HeadKind(checkpoint.configurationJSON),
        checkpoint)
    }
    _ = try tokenizer(of: checkpoint)
  }

  private static func tokenizer(
    of checkpoint: Checkpoint
  ) throws(TuningError) -> any Tokenizer {
    let tokenizer = try TuningError.wrap { () throws(TextError) in
      try TokenizerFolder.load(checkpoint.path)
    }
    guard tokenizer.maxTokenID < checkpoint.configuration.vocabularySize else {
      throw TuningError(
        .tokenizerMismatch,
        "the tokenizer's largest id is \(tokenizer.maxTokenID), the model has "
          + "\(checkpoint.configuration.vocabularySize) rows", path: checkpoint.path,
        hint: "copy the tokenizer files that were published with the model into its folder")
    }
    return tokenizer
  }

  static func missingHead(_ path: String, name: String) -> TuningError {
    TuningError(
      wrapping: ModelError(
        .tensorMissing, "the model has no tensor '\(name)'", path: path,
        hint: "give the --patch of the task, or a model that was tuned for it"))
  }

  /// Names of the outputs of a base's own head, which fix the ids of a custom task's
  /// labels; nil for a base without such a head.
  package static func headLabels(
    of checkpoint: Checkpoint, kind: HeadKind = .sequence
  ) -> [String]? {
    let head = checkpoint.configuration.architecture.headWeightName(kind)
    guard checkpoint.weights.info(of: head) != nil,
      HeadKind(checkpoint.configurationJSON) ?? kind == kind
    else { return nil }
    return checkpoint.configuration.labels
  }

  private static func requireHead(
    of labels: LabelSpace, in source: any TensorSource, kind: HeadKind?,
    _ checkpoint: Checkpoint
  ) throws(TuningError) {
    let architecture = checkpoint.configuration.architecture
    if let kind, kind != labels.headKind, source.info(of: architecture.headWeightName(kind)) != nil
    {
      throw TuningError(
        .headMismatch,
        kind == .tokens
          ? "the model's head labels words, the task judges whole texts"
          : "the model's head judges whole texts, the task labels words",
        hint: "use a base without a head, or the task the head was tuned for")
    }
    let name = architecture.headWeightName(labels.headKind)
    if let head = source.info(of: name), head.shape.first != labels.count {
      throw TuningError(
        .headMismatch,
        "the model's head has \(head.shape.first ?? 0) outputs, the task needs \(labels.count)",
        hint: "use a base without a head, or the task the head was tuned for")
    }
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
    copy.storage.base.update(from: parameters.storage.base, count: parameters.storage.count)
    return TaskModel(
      checkpoint: checkpoint, network: network, parameters: copy, tokenizer: tokenizer,
      labels: labels, initialized: initialized)
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
      checkpoint: checkpoint, network: network, parameters: parameters, tokenizer: tokenizer,
      labels: labels, initialized: Set(initialized).union(drawn).sorted())
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
