import CTKCore
import CTKTestSupport
import CTKTorch
import Testing

@Suite("Files written for torch", .tags(.format))
struct TorchWriterTests {
  private let folder = TemporaryFolder()

  @Test("What is written reads back, with its storages aligned")
  func readsBack() throws {
    let infos = [
      try TensorInfo(name: "a", dtype: .f32, shape: [2, 3]),
      try TensorInfo(name: "b", dtype: .bf16, shape: []),
      try TensorInfo(name: "c", dtype: .i64, shape: [0, 4]),
    ]
    var pickle = PickleWriter()
    try pickle.dictionary { pickle in
      pickle.text("numbers")
      pickle.list([0, 255, 256, 65_535, 65_536, Int(Int32.max), 1 << 40])
      pickle.text("many")
      pickle.list(Array(0..<2500))
      pickle.text("size")
      pickle.size([7, 300])
      pickle.text("none")
      pickle.list([])
      pickle.text("tensors")
      try pickle.dictionary { pickle in
        for (storage, info) in infos.enumerated() {
          pickle.text(info.name)
          try pickle.tensor(info, storage: String(storage))
        }
      }
    }
    let bytes = infos.map { info in (0..<info.byteCount).map { UInt8($0) } }
    var writer = try TorchWriter(path: folder.file("x.bin"))
    try writer.addPickle(pickle.finish())
    for (storage, bytes) in bytes.enumerated() { try writer.addStorage(String(storage), bytes) }
    try writer.commit()

    let file = try TorchFile(path: folder.file("x.bin"))
    #expect(file.tensors.map(\.name) == ["tensors/a", "tensors/b", "tensors/c"])
    for (info, bytes) in zip(infos, bytes) {
      let found = try file.requireInfo(of: "tensors/" + info.name)
      #expect(found.dtype == info.dtype && found.shape == info.shape)
      #expect(try file.withTensorBytes(found.name) { Array($0) } == bytes)
    }
    #expect(
      file.integerLists == [
        "numbers": [0, 255, 256, 65_535, 65_536, Int(Int32.max), 1 << 40],
        "many": Array(0..<2500), "size": [7, 300],
      ])
    #expect(file.findings.isEmpty)
    let archive = try readSmallFile(folder.file("x.bin"))
    let span = archive.span
    let entries = try span.withUnsafeBytes { try ZipArchive(file: $0).entries }
    #expect(
      entries.map(\.name).prefix(3) == ["archive/data.pkl", "archive/byteorder", "archive/version"])
    #expect(entries.allSatisfy { $0.range.lowerBound % 64 == 0 })
  }

  @Test func typesWithoutAStorageClassAreRefused() throws {
    var pickle = PickleWriter()
    let info = try TensorInfo(name: "a", dtype: .f8e5m2, shape: [1])
    #expect(throws: TorchError.self) { try pickle.tensor(info, storage: "0") }
  }

  @Test("Lists that hold more than whole numbers are walked as before")
  func mixedLists() throws {
    let file = try TorchFile(path: Fixtures.path("torch/training.pt"))
    #expect(file.tensors.contains { $0.name.hasPrefix("optimizer_state_dict/state/0/") })
    #expect(file.integerLists.keys.contains { $0.hasSuffix("/params") })
  }
}
