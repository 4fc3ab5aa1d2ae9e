public import CTKCore
public import CTKSafetensors

/// An opened canonical checkpoint: configuration, weights and tokenizer.
public struct Checkpoint: Sendable {
  public let path: String
  public let configuration: ModelConfiguration
  /// All fields of `config.json`, with those added that were absent but implied.
  public let configurationJSON: JSONValue
  /// The tensors under canonical names.
  public let weights: SafetensorsCheckpoint
  /// Names of the tokenizer files in the folder, sorted.
  public let tokenizerFiles: [String]

  /// Opens a folder whose tensors an import would leave exactly as they are.
  ///
  /// - Throws: `checkpoint.not-canonical` when names, layout or repeated tensors would have to
  ///   change; otherwise the codes of an import.
  public static func open(_ path: String) throws(CheckpointError) -> Checkpoint {
    let weights = try CheckpointError.wrap { () throws(SafetensorsError) in
      try SafetensorsCheckpoint(path: path)
    }
    let source = try SourceConfiguration.read(path + "/" + CheckpointFolder.configuration)
    let plan: ImportPlan
    do {
      plan = try ImportPlan(tensors: weights.tensors, configuration: source)
    } catch {
      throw error.at(path)
    }
    if let name = plan.missingOfEncoder.first {
      throw CheckpointError(
        .tensorMissing, "the checkpoint has no tensor '\(name)', without which it cannot run",
        path: path, hint: "import it again from complete weights")
    }
    if let name = plan.firstChangedName {
      throw CheckpointError(
        .notCanonical, "the tensor '\(name)' is not in canonical form", path: path,
        hint: "convert the checkpoint with ctk import and use its output")
    }
    return Checkpoint(
      path: path, configuration: source.model, configurationJSON: source.json, weights: weights,
      tokenizerFiles: TokenizerFiles.present(in: path))
  }

  /// The fingerprint of all weights; reads every tensor once.
  ///
  /// - Throws: `checkpoint.read-failed`, and the codes of reading a tensor.
  public func fingerprint(
    progress: ProgressHandler? = nil
  ) throws(CheckpointError) -> Digest {
    let tensors = weights.tensors
    let digests = try CheckpointError.catching {
      try tensors.enumerated().map { place, info in
        progress?(
          ProgressEvent(
            stage: "fingerprint", completed: place, total: tensors.count, unit: "tensors"))
        let digest = try weights.withTensorBytes(info.name) { bytes in
          Fingerprint.tensor(info, bytes: bytes)
        }
        weights.discard(info.name)
        return (name: info.name, digest: digest)
      }
    }
    return Fingerprint.checkpoint(digests)
  }
}

extension ImportPlan {
  /// A source tensor that the import would rename, change, merge or leave out.
  fileprivate var firstChangedName: String? {
    used.first { $0.operation != .copy || $0.source != $0.target }?.source.name
      ?? aliases.first?.source.name ?? skipped.first?.name
  }
}
