import CTKCore
import CTKTestSupport
import Foundation
import Testing

@Suite(.tags(.format))
struct FileTests {
  private let folder = TemporaryFolder()

  private func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? CoreError)?.code
    }
  }

  @Test func mappedFilesSayWhatIsWrong() throws {
    #expect(code { _ = try MappedFile(path: folder.file("gone")) } == "file.missing")
    #expect(code { _ = try MappedFile(path: folder.path) } == "file.not-regular")
    let empty = try MappedFile(path: try folder.write("empty", []))
    #expect(empty.byteCount == 0 && empty.withBytes { $0.count } == 0)
    let path = try folder.write("bytes", [1, 2, 3])
    #expect(try readSmallFile(path) == [1, 2, 3])
    #expect(code { _ = try readSmallFile(path, limit: 2) } == "file.unreadable")
  }

  /// Opening a pipe to read waits for a writer unless it is asked not to.
  @Test(.timeLimit(.minutes(1)))
  func pipesAreRefusedAtOnce() {
    let path = folder.file("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    #expect(code { _ = try MappedFile(path: path) } == "file.not-regular")
    #expect(code { _ = try JSONParser.parseFile(path) } == "file.not-regular")
  }

  @Test func aFileIsNoFolder() throws {
    let path = try folder.write("taken", [1])
    #expect(code { try Folder.create(path) } == "output.cannot-create")
    #expect(code { try Folder.create(path + "/below") } == "output.cannot-create")
    try Folder.create(folder.file("a/b/c"))
    try Folder.create(folder.file("a/b/c"))
    #expect(Folder.exists(folder.file("a/b/c")))
  }

  @Test func readsAtAPlaceFillTheMemoryOrFail() throws {
    let path = try folder.write("bytes", [1, 2, 3, 4])
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    let input = PositionedInput(path: path, descriptor: descriptor)
    var bytes: [UInt8] = [0, 0, 0]
    try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 1) }
    #expect(bytes == [2, 3, 4])
    #expect(
      code { try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 2) } }
        == "file.unreadable")
    bytes = []
    try bytes.withUnsafeMutableBytes { try input.read(into: $0, at: 9) }
  }

  @Test(arguments: [("a/b", "b"), ("/b", "b"), ("b", "b"), ("a/b/", "b")])
  func aPathEndsInAName(path: String, name: String) {
    #expect(Output.lastComponent(of: path) == name)
  }

  @Test func aFileAppearsOnlyWhenCommitted() throws {
    let path = folder.file("out")
    do {
      var file = try AtomicFile(path: path)
      try file.write("half")
      #expect(!Folder.fileExists(path))
    }
    #expect(folder.names.isEmpty)
    var file = try AtomicFile(path: path)
    try file.write("whole")
    try file.commit()
    #expect(folder.names == ["out"])
    #expect(code { _ = try AtomicFile(path: path) } == "output.exists")
    #expect(code { _ = try AtomicFile(path: folder.file("no/such")) } == "output.cannot-create")
    var second = try AtomicFile(path: path, replacesExisting: true)
    try second.write("new")
    #expect(try readSmallFile(path) == Array("whole".utf8))
    try second.commit()
    #expect(try readSmallFile(path) == Array("new".utf8))
  }

  @Test func aFolderAppearsOnlyWhenCommitted() throws {
    let path = folder.file("model")
    do {
      let dropped = try AtomicFolder(path: path)
      var file = try AtomicFile(path: dropped.path(of: "a"))
      try file.write("x")
      try file.commit()
    }
    #expect(folder.names.isEmpty)
    for text in ["one", "two"] {
      let made = try AtomicFolder(path: path, replacesExisting: true)
      var file = try AtomicFile(path: made.path(of: text))
      try file.write(text)
      try file.commit()
      try made.commit()
      #expect(try Folder.names(in: path) == [text])
    }
    #expect(folder.names == ["model"])
    #expect(code { _ = try AtomicFolder(path: path) } == "output.exists")
  }

  /// Whenever a process looks, or dies, the name stands for the old folder or the new one.
  @Test func aFolderIsReplacedInOneStep() async throws {
    let path = folder.file("model")
    try Folder.create(path)
    let watch = Task.detached {
      var absences = 0
      while !Task.isCancelled { if !Folder.exists(path) { absences += 1 } }
      return absences
    }
    for round in 0..<200 {
      let made = try AtomicFolder(path: path, replacesExisting: true)
      if round % 2 == 0 {
        try made.commit()
      } else {
        try Folder.create(made.path(of: "result"))
        try made.promote("result")
      }
    }
    watch.cancel()
    #expect(await watch.value == 0)
    #expect(folder.names == ["model"])
  }

  /// A name that something else took while the file was written is not touched.
  @Test func aNameTakenMeanwhileIsLeftAlone() throws {
    let path = folder.file("out")
    var file = try AtomicFile(path: path)
    try file.write("mine")
    try folder.write("out", Array("theirs".utf8))
    var refusal: String?
    do {
      try file.commit()
    } catch {
      refusal = error.code
    }
    #expect(refusal == "output.exists")
    #expect(try readSmallFile(path) == Array("theirs".utf8))
    #expect(folder.names == ["out"])
  }

  @Test func digestsAreSHA256() {
    let empty = Digest.of([])
    #expect(empty.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    var pieces = StreamingDigest()
    for part in ["a", "b", "c"] { pieces.update(part) }
    #expect(
      pieces.finalize().hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Digest(hex: empty.hex) == empty)
    #expect(Digest(hex: empty.hex.uppercased()) == nil)
  }

  @Test func fingerprintsDoNotDependOnOrder() throws {
    var left = TensorCollection()
    try left.set("a", shape: [2], floats: [1, 2])
    try left.set("b", shape: [1], floats: [3])
    var right = TensorCollection()
    try right.set("b", shape: [1], floats: [3])
    try right.set("a", shape: [2], floats: [1, 2])
    #expect(try Fingerprint.of(left) == Fingerprint.of(right))
    try right.set("a", shape: [2, 1], floats: [1, 2])
    #expect(try Fingerprint.of(left) != Fingerprint.of(right))
  }

  @Test func shapesThatOverflowAreRefused() {
    #expect(
      code { _ = try TensorInfo(name: "x", dtype: .f64, shape: [.max, 2]) } == "shape.overflow")
    #expect(code { _ = try TensorInfo(name: "x", dtype: .f32, shape: [-1]) } == "shape.overflow")
    #expect(code { _ = try TensorInfo(name: "x", dtype: .f4, shape: [3]) } == "shape.overflow")
    #expect(code { _ = try TensorInfo(name: "x", dtype: .f4, shape: [4]) } == nil)
  }
}
