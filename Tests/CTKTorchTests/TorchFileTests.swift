import CTKCore
import CTKTestSupport
import CTKTorch
import Testing

@Suite("State dicts", .tags(.format))
struct TorchFileTests {
  @Test func tiedNamesAreAliases() throws {
    let file = try TorchFile(path: Fixtures.path("torch/tied.bin"))
    #expect(file.aliases == ["embedding.weight": "decoder.weight"])
    #expect(try TorchFile(path: Fixtures.path("torch/protocol-2.pt")).aliases.isEmpty)
    let strided = try TorchFile(path: Fixtures.path("torch/strided.pt"))
    #expect(strided.aliases.isEmpty, "views of one storage that differ are no aliases")
  }

  @Test func otherEntriesAreReported() throws {
    let file = try TorchFile(path: Fixtures.path("torch/training.pt"))
    let finding = try #require(file.findings.first { $0.contains("no tensors") })
    for name in ["'epoch' (an integer)", "'best' (a float)", "'note' (a string)"] {
      #expect(finding.contains(name), "\(finding)")
    }
    #expect(finding.contains("more"))
  }

  @Test func missingFilesAndNames() throws {
    #expect(torchFailure("/no/such/file.bin") == "file.missing")
    let file = try TorchFile(path: Fixtures.path("torch/protocol-2.pt"))
    #expect(file.info(of: "nothing") == nil)
    #expect(throws: CoreError.self) { try file.withTensorBytes("nothing") { _ in } }
    file.discard("nothing")
  }

  @Test func discardedTensorsCanBeReadAgain() throws {
    let file = try TorchFile(path: Fixtures.path("checkpoints/bert/pt-bin/pytorch_model.bin"))
    for info in file.tensors {
      let first = try file.withTensorBytes(info.name) { Digest.of($0) }
      file.discard(info.name)
      #expect(try file.withTensorBytes(info.name) { Digest.of($0) } == first)
    }
  }

  @Test("Files are recognised by their bytes") func recognition() throws {
    #expect(try TorchFile.recognises(Fixtures.path("torch/protocol-5.pt")))
    #expect(try TorchFile.recognises(Fixtures.path("torch/legacy.bin")))
    #expect(try !TorchFile.recognises(Fixtures.path("torch/expected.json")))
  }
}
