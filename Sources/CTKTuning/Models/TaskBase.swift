package import CTKCheckpoint
import CTKCore
package import CTKModel
import CTKSafetensors
package import CTKText

/// A base checkpoint whose tokenizer, and whose head where it has one, can serve a task.
package struct TaskBase {
  package let checkpoint: Checkpoint
  package let tokenizer: any Tokenizer

  /// - Parameter labels: the task's, where they are known without its data.
  /// - Throws: `tuning.head-mismatch`, `tuning.tokenizer-mismatch` and the codes of tokenizers.
  package init(_ checkpoint: Checkpoint, for labels: LabelSpace? = nil) throws(TuningError) {
    self.checkpoint = checkpoint
    if let labels {
      try Self.requireHead(
        of: labels, in: checkpoint.weights, kind: HeadKind(checkpoint.configurationJSON),
        checkpoint)
    }
    tokenizer = try Self.tokenizer(of: checkpoint)
  }

  /// Names of the outputs of the base's own head, which fix the ids of a custom task's
  /// labels; nil for a base without such a head.
  package func headLabels(kind: HeadKind = .sequence) -> [String]? {
    let head = checkpoint.configuration.architecture.headWeightName(kind)
    guard checkpoint.weights.info(of: head) != nil,
      HeadKind(checkpoint.configurationJSON) ?? kind == kind
    else { return nil }
    return checkpoint.configuration.labels
  }

  /// - Throws: `tuning.head-mismatch`.
  static func requireHead(
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
}
