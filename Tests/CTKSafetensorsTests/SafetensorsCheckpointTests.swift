import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Single and sharded checkpoints", .tags(.format))
struct SafetensorsCheckpointTests {
  private static let models = "checkpoints/malformed/models/"

  @Test("Shards hold what the single file holds", arguments: ["", "/model.safetensors.index.json"])
  func shardsMatchSingleFile(suffix: String) throws {
    let single = try SafetensorsCheckpoint(path: Fixtures.path("checkpoints/bert/pt"))
    let sharded = try SafetensorsCheckpoint(
      path: Fixtures.path("checkpoints/bert/sharded") + suffix)
    #expect(sharded.tensors == single.tensors)
    #expect(sharded.metadata == ["format": "pt"])
    #expect(sharded.shards.count == 4)
    #expect(sharded.shards.reduce(0) { $0 + $1.tensors.count } == single.tensors.count)
    #expect(sharded.findings.isEmpty)
    for info in single.tensors {
      #expect(try sharded.bytes(of: info.name) == single.bytes(of: info.name))
      sharded.discard(info.name)
    }
  }

  /// Two names that Swift takes for one text, an accented letter in both its forms.
  @Test func namesThatDifferInBytesAreTwoTensors() throws {
    let composed = "\u{E9}"
    let decomposed = "e\u{301}"
    let header =
      "{\"\(composed)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
      + "\"\(decomposed)\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}"
    let folder = TemporaryFolder()
    let path = try folder.write(
      "model.safetensors", RawSafetensors.bytes(header: header, data: [7, 8]))
    for checkpoint in [
      try SafetensorsCheckpoint(path: path), try SafetensorsCheckpoint(path: folder.path),
    ] {
      #expect(checkpoint.tensors.count == 2)
      #expect(try checkpoint.bytes(of: composed) == [7])
      #expect(try checkpoint.bytes(of: decomposed) == [8])
    }
  }

  @Test func opensASingleFile() throws {
    let path = Fixtures.path("checkpoints/bert/pt/model.safetensors")
    let checkpoint = try SafetensorsCheckpoint(path: path)
    #expect(checkpoint.shards.map(\.name) == ["model.safetensors"])
    #expect(checkpoint.tensors.count == 41)
  }

  @Test(
    "Contradictions are refused",
    arguments: [
      ("sharded-missing-file", "safetensors.shard-missing"),
      ("sharded-path-absolute", "safetensors.shard-name-unsafe"),
      ("sharded-path-parent", "safetensors.shard-name-unsafe"),
      ("sharded-tensor-not-in-shard", "safetensors.shard-tensor-missing"),
      ("sharded-wrong-shard", "safetensors.shard-tensor-missing"),
      ("sharded-index-no-map", "safetensors.index-invalid"),
      ("sharded-index-not-json", "safetensors.index-invalid"),
      ("sharded-index-number", "safetensors.index-invalid"),
      ("no-weights", "safetensors.weights-missing"),
    ])
  func contradictionsRefused(_ name: String, _ code: String) {
    let path = Fixtures.path(Self.models + name)
    #expect(failureCode { _ = try SafetensorsCheckpoint(path: path) } == code)
  }

  @Test(
    "Oddities are reported",
    arguments: [
      ("sharded-total-size-wrong", "declares 7"),
      ("sharded-unlisted-tensor", "is not in the index"),
      ("sharded-tensor-twice", "lies in"),
      ("sharded-and-single", "was read; model.safetensors.index.json"),
    ])
  func odditiesReported(_ name: String, _ text: String) throws {
    let checkpoint = try SafetensorsCheckpoint(path: Fixtures.path(Self.models + name))
    #expect(checkpoint.findings.count == 1)
    #expect(checkpoint.findings[0].contains(text))
    #expect(checkpoint.tensors.count == 25)
  }

  @Test("A total given as a float counts as a number")
  func floatTotal() throws {
    let wrong = Fixtures.path(Self.models + "sharded-total-size-float")
    #expect(try SafetensorsCheckpoint(path: wrong).findings.count == 1)

    let folder = TemporaryFolder()
    try folder.write("1.safetensors", RawSafetensors.small)
    let index =
      #"{"metadata":{"total_size":11.0},"#
      + #""weight_map":{"a":"1.safetensors","b":"1.safetensors"}}"#
    let path = try folder.write("model.safetensors.index.json", Array(index.utf8))
    #expect(try SafetensorsCheckpoint(path: path).findings.isEmpty)
  }

  @Test func theIndexDecidesBetweenTwoShards() throws {
    let twice = try SafetensorsCheckpoint(path: Fixtures.path(Self.models + "sharded-tensor-twice"))
    let sound = try SafetensorsCheckpoint(path: Fixtures.path(Self.models + "sharded-ok"))
    for info in sound.tensors {
      #expect(try twice.bytes(of: info.name) == sound.bytes(of: info.name))
    }
  }

  @Test func anUnlistedTensorInTwoShardsIsAmbiguous() throws {
    let folder = TemporaryFolder()
    let tensor = #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#
    let other = #""b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#
    let third = #""c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#
    try folder.write(
      "1.safetensors", RawSafetensors.bytes(header: "{\(tensor),\(other)}", data: [1, 2]))
    try folder.write(
      "2.safetensors", RawSafetensors.bytes(header: "{\(tensor),\(third)}", data: [1, 2]))
    let index = #"{"weight_map":{"b":"1.safetensors","c":"2.safetensors"}}"#
    try folder.write("model.safetensors.index.json", Array(index.utf8))
    #expect(
      failureCode { _ = try SafetensorsCheckpoint(path: folder.path) }
        == "safetensors.shard-tensor-ambiguous")
  }
}
