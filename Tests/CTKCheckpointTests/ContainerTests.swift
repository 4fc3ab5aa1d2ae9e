import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("One fingerprint from every container", .tags(.format))
struct ContainerTests {
  private let folder = TemporaryFolder()

  @Test(
    "The same weights",
    arguments: [
      "bert/sharded", "bert/sharded/model.safetensors.index.json", "bert/pt/model.safetensors",
      "bert/tf", "bert/tf/tf_model.h5", "bert/tf-unscoped", "bert/flat/flat.h5",
      "bert/flat/flat-gzip.h5", "bert/pt-bin", "bert/pt-bin/pytorch_model.bin",
    ])
  func sameWeights(_ source: String) throws {
    let expected = try runImport(checkpoint("bert/pt"), into: folder, as: "pt")
    let found = try runImport(checkpoint(source), into: folder, as: "other")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.used.count == 41)
    #expect(found.plan.skipped.isEmpty && found.plan.aliases.isEmpty && found.plan.missing.isEmpty)
    #expect(
      try contents(folder.file("other/model.safetensors"))
        == contents(folder.file("pt/model.safetensors")))
  }

  @Test("A PyTorch file with former names and a buffer")
  func formerNames() throws {
    let expected = try runImport(checkpoint("bert/pt"), into: folder, as: "pt")
    let found = try runImport(checkpoint("bert/pt-legacy"), into: folder, as: "legacy")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.skipped.map(\.name) == ["bert.embeddings.position_ids"])
  }

  @Test("The reference files are canonical already")
  func importOfCanonicalIsIdentity() throws {
    try runImport(checkpoint("bert/pt"), into: folder)
    #expect(
      try contents(folder.file("out/model.safetensors"))
        == contents(checkpoint("bert/pt/model.safetensors")))
  }

  @Test func regressionModelFromTensorFlow() throws {
    let expected = try runImport(checkpoint("bert-regression/pt"), into: folder, as: "pt")
    let found = try runImport(checkpoint("bert-regression/tf"), into: folder, as: "tf")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.layout == .tensorflow)
  }

  @Test func pretrainingModelFromTensorFlow() throws {
    let expected = try runImport(model("pretraining-pt"), into: folder, as: "pt")
    let found = try runImport(model("pretraining-tf"), into: folder, as: "tf")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.aliases.count == 5)
    #expect(found.plan.aliases.allSatisfy { $0.relation == .copy })
    #expect(found.findings.isEmpty)
  }

  @Test(
    "Half floats are kept, and are what a cast gives",
    arguments: [
      ("bert/f16", ImportDType.f16, "bert/pt"), ("bert/bf16", .bf16, "bert/pt"),
      ("bert/flat/flat-f16.h5", .f16, "bert/tf"),
    ])
  func halfFloats(_ source: String, _ dtype: ImportDType, _ full: String) throws {
    let kept = try runImport(checkpoint(source), into: folder, as: "kept")
    let cast = try runImport(
      checkpoint(full), into: folder, as: "cast", ImportOptions(dtype: dtype))
    #expect(kept.fingerprint == cast.fingerprint)
    #expect(cast.overflows.isEmpty)
  }

  @Test("The bare encoder gets the base prefix")
  func bareEncoder() throws {
    let report = try runImport(checkpoint("bert/pt-base"), into: folder)
    let full = try SourceCheckpoint(path: checkpoint("bert/pt"))
    let digests = try Fingerprint.digests(of: full).filter { !$0.name.hasPrefix("classifier") }
    #expect(report.fingerprint == Fingerprint.checkpoint(digests))
    #expect(report.plan.missing.isEmpty)
  }

  @Test(
    "Names in any style give the fingerprint of the plain model",
    arguments: [
      "names-gamma-beta", "names-module-prefix", "flat-grouped", "extra-buffer", "extra-tensor",
      "extra-layer", "sharded-ok", "sharded-total-size-float", "sharded-tensor-twice",
      "names-gamma-elsewhere",
    ])
  func nameStyles(_ name: String) throws {
    let expected = try runImport(model("ok"), into: folder, as: "ok")
    let found = try runImport(model(name), into: folder, as: "other")
    #expect(found.fingerprint == expected.fingerprint)
  }

  @Test("TensorFlow names in safetensors, as its classes write them")
  func tensorFlowSafetensors() throws {
    let small = try SmallBert()
    var renamed = TensorFlowTwin(tensors: TensorCollection())
    for info in small.tensors.tensors { try renamed.add(info, from: small.tensors) }
    var source = small
    source.tensors = renamed.tensors
    let path = try source.write(into: folder)
    let found = try runImport(path, into: folder, as: "tf")
    let expected = try runImport(model("ok"), into: folder, as: "ok")
    #expect(found.plan.layout == .tensorflow)
    #expect(found.fingerprint == expected.fingerprint)
  }
}

/// A PyTorch state dict under TensorFlow's names, written by rules of its own.
private struct TensorFlowTwin {
  var tensors: TensorCollection

  mutating func add(_ info: TensorInfo, from source: TensorCollection) throws {
    var bytes = try source.bytes(of: info.name)
    var shape = info.shape
    var parts = info.name.split(separator: ".").map(String.init)
    let leaf = parts.removeLast()
    let module = parts.last ?? ""
    let isDense = leaf == "weight" && module != "LayerNorm" && !module.hasSuffix("_embeddings")
    if isDense {
      bytes = transposed(bytes, rows: shape[0], columns: shape[1])
      shape.reverse()
    }
    let name = parts.joined(separator: "/").replacing("layer/0", with: "layer_._0")
    try tensors.set(
      name + "/" + self.leaf(leaf, module) + ":0", dtype: info.dtype, shape: shape, bytes: bytes)
  }

  private func leaf(_ leaf: String, _ module: String) -> String {
    switch (leaf, module) {
    case ("weight", "LayerNorm"): "gamma"
    case ("bias", "LayerNorm"): "beta"
    case ("weight", "word_embeddings"): "weight"
    case ("weight", "position_embeddings"), ("weight", "token_type_embeddings"): "embeddings"
    case ("weight", _): "kernel"
    default: leaf
    }
  }

  private func transposed(_ bytes: [UInt8], rows: Int, columns: Int) -> [UInt8] {
    var result: [UInt8] = []
    for column in 0..<columns {
      for row in 0..<rows {
        let start = (row * columns + column) * 4
        result += bytes[start..<start + 4]
      }
    }
    return result
  }
}
