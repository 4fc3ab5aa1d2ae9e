import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// A model in memory that can be written to.
private final class ResidentModel {
  private(set) var tensors: [MemoryTensor] = []

  init(_ source: TensorCollection) throws {
    for info in source.tensors {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: info.byteCount, alignment: 16)
      try source.withTensorBytes(info.name) { bytes.copyMemory(from: $0) }
      tensors.append(MemoryTensor(info, bytes))
    }
  }

  deinit { for tensor in tensors { tensor.bytes.deallocate() } }

  func bytes(of name: String) -> UnsafeMutableRawBufferPointer? {
    tensors.first { $0.info.name == name }?.bytes
  }

  func holds(_ source: TensorCollection) throws -> Bool {
    try tensors.allSatisfy { tensor in
      try source.withTensorBytes(tensor.info.name) { $0.elementsEqual(tensor.bytes) }
    }
  }
}

@Suite("Tasks in memory", .tags(.format))
struct ResidentTests {
  private let folder: TemporaryFolder
  private let base: TensorCollection
  private var tuned: [TensorCollection] = []
  private var patches: [PatchFile] = []

  init() throws {
    folder = TemporaryFolder()
    var random = SeededGenerator(seed: 3)
    var base = TensorCollection()
    // Several tiles of each width, the last of them short.
    let layouts: [(String, DType, Int)] = [
      ("a", .f32, 150_000), ("b", .bf16, 70_001), ("c", .u8, 65_536), ("d", .f64, 9),
      ("e", .f32, 50),
    ]
    for (name, dtype, count) in layouts {
      let bytes = (0..<count * dtype.bitWidth / 8).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      try base.set(name, dtype: dtype, shape: [count], bytes: bytes)
    }
    self.base = base
    for (index, share) in [0.01, 0.3].enumerated() {
      var model = base
      for (name, dtype, count) in layouts where name != "e" {
        var bytes = try base.withTensorBytes(name) { Array($0) }
        bytes = Checkpoints.changed(bytes, width: dtype.bitWidth / 8, share: share, &random)
        try model.set(name, dtype: dtype, shape: [count], bytes: bytes)
      }
      tuned.append(model)
      let path = folder.file("\(index)")
      _ = try PatchExporter.export(base: base, tuned: model, to: path)
      patches.append(try PatchFile(path: path))
    }
  }

  @Test("switching among base and tasks is exact", arguments: [1, 3])
  func switches(threadCount: Int) throws {
    let origin = try ResidentModel(base)
    let tasks = try patches.map { patch in
      try ResidentTask(patch) { origin.bytes(of: $0).map { UnsafeRawBufferPointer($0) } }
    }
    #expect(tasks.allSatisfy { $0.byteCount > 0 })
    let model = try ResidentModel(base)
    var held: Int?
    for next in [0, 1, 0, nil, 1, 1, nil, nil] {
      try TaskSwitch(
        from: held.map { tasks[$0] }, to: next.map { tasks[$0] }
      ) { model.bytes(of: $0.name) }.run(threadCount: threadCount)
      held = next
      #expect(try model.holds(next.map { tuned[$0] } ?? base))
    }
  }

  @Test("tensors that are missing or of another size are told before anything is written")
  func missing() throws {
    let model = try ResidentModel(base)
    let task = try ResidentTask(patches[0]) {
      model.bytes(of: $0).map { UnsafeRawBufferPointer($0) }
    }
    #expect(
      AlgebraBench.code {
        _ = try TaskSwitch(from: nil, to: task) { $0.name == "c" ? nil : model.bytes(of: $0.name) }
      } == "tensor.missing")
    #expect(AlgebraBench.code { _ = try ResidentTask(patches[0]) { _ in nil } } == "tensor.missing")
    #expect(try model.holds(base))
  }

  @Test("applying and reverting in memory is exact, and refused on other tensors")
  func transactions() throws {
    let model = try ResidentModel(base)
    let apply = MemoryPatching(patches[1], .apply)
    let revert = MemoryPatching(patches[1], .revert)
    #expect(AlgebraBench.code { try revert.run(model.tensors) } == "patch.not-applied")
    try apply.run(model.tensors)
    #expect(try model.holds(tuned[1]))
    #expect(AlgebraBench.code { try apply.run(model.tensors) } == "patch.already-applied")
    #expect(
      AlgebraBench.code { try MemoryPatching(patches[0], .apply).run(model.tensors) }
        == "patch.wrong-base")
    try revert.run(model.tensors)
    #expect(try model.holds(base))

    // A source that is trusted and wrong: what was written is taken back.
    let byte = try #require(model.bytes(of: "c"))
    byte[77] ^= 4
    var trusting = apply
    trusting.checksSource = false
    let code = AlgebraBench.code { try trusting.run(model.tensors) }
    #expect(code == "patch.wrong-result")
    byte[77] ^= 4
    #expect(try model.holds(base))
  }
}
