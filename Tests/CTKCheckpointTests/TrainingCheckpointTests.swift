import CTKCheckpoint
import CTKCore
import CTKSafetensors
import CTKTestSupport
import CTKTorch
import Testing

/// Files of torch in which the model is one entry of several, or its names have prefixes.
@Suite("Training checkpoints of torch", .tags(.format))
struct TrainingCheckpointTests {
  private let folder = TemporaryFolder()

  /// Writes the reference BERT's tensors, with what the wrapper puts around them.
  private func write(
    prefix: String = "", inside wrapper: String? = nil, optimizer: String? = nil,
    tiedName: String? = nil
  ) throws -> String {
    let source = try SafetensorsFile(path: checkpoint("bert/pt/model.safetensors"))
    var pickle = PickleWriter()
    try pickle.dictionary { pickle in
      if let wrapper {
        pickle.text("epoch")
        pickle.list([3])
        pickle.text(wrapper)
        try pickle.dictionary { try Self.put(source.tensors, prefix, tiedName, into: &$0) }
      } else {
        try Self.put(source.tensors, prefix, tiedName, into: &pickle)
      }
      if let optimizer {
        pickle.text(optimizer)
        try pickle.dictionary { pickle in
          pickle.text("exp_avg")
          try pickle.tensor(source.tensors[0], storage: "0")
        }
      }
    }
    let path = folder.file("pytorch_model.bin")
    var writer = try TorchWriter(path: path, replacesExisting: true)
    try writer.addPickle(pickle.finish())
    for (storage, info) in source.tensors.enumerated() {
      try writer.addStorage(String(storage), try source.bytes(of: info.name))
    }
    try writer.commit()
    return path
  }

  private static func put(
    _ tensors: [TensorInfo], _ prefix: String, _ tiedName: String?,
    into pickle: inout PickleWriter
  ) throws {
    for (storage, info) in tensors.enumerated() {
      pickle.text(prefix + info.name)
      try pickle.tensor(info, storage: String(storage))
      guard let tiedName, info.name == "bert.embeddings.word_embeddings.weight" else { continue }
      pickle.text(prefix + tiedName)
      try pickle.tensor(info, storage: String(storage))
    }
  }

  private func fingerprintOfPlainModel() throws -> Digest? {
    try runImport(checkpoint("bert/pt"), into: folder, as: "plain").fingerprint
  }

  private var options: ImportOptions {
    ImportOptions(
      configurationPath: checkpoint("bert/pt/config.json"), replacesExisting: true)
  }

  @Test(
    "Prefixes of trainers and the dictionaries of their checkpoints",
    arguments: [
      ("module.", nil), ("model.", nil), ("", "state_dict"), ("", "model"),
      ("module.", "model_state_dict"), ("model.", "state_dict"),
    ] as [(String, String?)])
  func wrappers(_ prefix: String, _ wrapper: String?) throws {
    let path = try write(prefix: prefix, inside: wrapper, optimizer: "optimizer_state_dict")
    let found = try runImport(path, into: folder, options)
    #expect(try found.fingerprint == fingerprintOfPlainModel())
    #expect(found.plan.skipped.map(\.name) == ["optimizer_state_dict/exp_avg"])
    #expect(found.plan.skippedCounts.map(\.count) == [1])
  }

  @Test("A tied name is an alias, stored once")
  func tied() throws {
    let path = try write(tiedName: "cls.predictions.decoder.weight")
    let found = try runImport(path, into: folder, options)
    #expect(try found.fingerprint == fingerprintOfPlainModel())
    #expect(found.plan.aliases.map(\.source.name) == ["cls.predictions.decoder.weight"])
    #expect(found.plan.aliases.map(\.relation) == [.tied])
  }
}
