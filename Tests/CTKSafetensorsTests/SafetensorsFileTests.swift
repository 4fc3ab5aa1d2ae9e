import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Reading one file", .tags(.format))
struct SafetensorsFileTests {
  private let folder = TemporaryFolder()

  @Test func readsTensorsAndMetadata() throws {
    let path = try folder.write("small.safetensors", RawSafetensors.small)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(try file.bytes(of: "a") == Array(1...8))
    #expect(try file.bytes(of: "b") == [9, 10, 11])
  }

  @Test func bytesSurviveDiscard() throws {
    let path = Fixtures.path("checkpoints/bert/pt/model.safetensors")
    let file = try SafetensorsFile(path: path)
    let name = "bert.embeddings.word_embeddings.weight"
    let before = try file.bytes(of: name)
    file.discard(name)
    #expect(try file.bytes(of: name) == before)
  }

  @Test func missingTensorIsNamed() throws {
    let path = try folder.write("small.safetensors", RawSafetensors.small)
    let file = try SafetensorsFile(path: path)
    #expect(failureCode { _ = try file.bytes(of: "c") } == "tensor.missing")
    #expect(file.info(of: "c") == nil)
  }

  @Test func missingFileIsToldApart() {
    #expect(failureCode { _ = try SafetensorsFile(path: folder.file("no")) } == "file.missing")
    #expect(failureCode { _ = try SafetensorsFile(path: folder.path) } == "file.not-regular")
  }

  @Test func errorsNameTheFile() throws {
    let path = try folder.write("short", [1, 2, 3])
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(path: path)
    }
    #expect(error?.path == path)
  }

  @Test("A wide extent of an empty tensor is reported")
  func wideExtent() throws {
    let name = "checkpoints/malformed/safetensors/ok-zero-times-huge.safetensors"
    let file = try SafetensorsFile(path: Fixtures.path(name))
    #expect(file.findings.count == 1)
    #expect(file.findings[0].contains("18446744073709551615"))
  }

  @Test func manyTensorsOpen() throws {
    var members: [String] = []
    for index in 0..<100_000 {
      members.append(
        #""layer.\#(index).weight":{"dtype":"U8","shape":[1],"data_offsets":[\#(index),\#(index + 1)]}"#
      )
    }
    let data = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
    let path = try folder.write(
      "many", RawSafetensors.bytes(header: "{\(members.joined(separator: ","))}", data: data))
    let file = try SafetensorsFile(path: path)
    #expect(file.tensors.count == 100_000)
    #expect(try file.bytes(of: "layer.99999.weight") == [UInt8(truncatingIfNeeded: 99_999)])
  }
}
