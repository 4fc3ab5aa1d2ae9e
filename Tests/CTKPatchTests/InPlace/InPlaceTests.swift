import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

@Suite("Changes in place", .tags(.format))
struct InPlaceTests {
  private let folder = TemporaryFolder()

  @Test(
    "apply, switch and revert give the expected folders", arguments: InPlaceBench.Layout.allCases,
    [true, false])
  func laws(layout: InPlaceBench.Layout, isSameLayout: Bool) throws {
    let bench = try InPlaceBench(in: folder, layout, isSameLayout: isSameLayout)
    for change in InPlaceBench.Change.allCases {
      try bench.reset(to: change.states.before)
      let before = try inodes(of: bench.model)
      try bench.run(change)
      #expect(try bench.isIn(change.states.after), "\(change)")
      // Files that keep their layout are written where they lie.
      if isSameLayout { #expect(try inodes(of: bench.model) == before) }
    }
  }

  private func inodes(of folder: String) throws -> [UInt64?] {
    try Folder.names(in: folder).map { name in
      let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
      return (attributes[.systemFileNumber] as? NSNumber)?.uint64Value
    }
  }

  @Test("a single file is changed without its folder")
  func singleFile() throws {
    let bench = try InPlaceBench(in: folder, .single)
    try bench.reset(to: 0)
    let file = bench.model + "/model.safetensors"
    try bench.folderIsBusy(false)
    try bench.weightsAreInUse()
    _ = try PatchApplier.apply(base: file, patches: [bench.patches[0]], to: .inPlace)
    #expect(try readSmallFile(file) == readSmallFile(bench.expected(1) + "/model.safetensors"))
    #expect(
      try readSmallFile(bench.model + "/config.json")
        == readSmallFile(bench.expected(0) + "/config.json"))
    #expect(try Folder.names(in: bench.model) == ["config.json", "model.safetensors"])
  }

  @Test("a model with other names is replaced, not written to", arguments: [true, false])
  func sharedFiles(isSymbolic: Bool) throws {
    let bench = try InPlaceBench(in: folder, .single, isSameLayout: true)
    try bench.reset(to: 0)
    let (file, other) = (bench.model + "/model.safetensors", bench.root + "/other")
    try FileManager.default.moveItem(atPath: file, toPath: other)
    if isSymbolic {
      try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: other)
    } else {
      try FileManager.default.linkItem(atPath: other, toPath: file)
    }
    try bench.run(.apply)
    #expect(try bench.isIn(1))
    #expect(try readSmallFile(other) == readSmallFile(bench.expected(0) + "/model.safetensors"))
  }

  @Test("refusals leave the model as it was")
  func refusals() throws {
    let bench = try InPlaceBench(in: folder, .sharded)
    for (change, state, expected) in [
      (InPlaceBench.Change.apply, 1, "patch.already-applied"),
      (.revert, 0, "patch.not-applied"), (.revert, 2, "patch.wrong-target"),
      (.replace, 0, "patch.not-applied"), (.replace, 2, "patch.already-applied"),
    ] {
      try bench.reset(to: state)
      #expect(code { try bench.run(change) } == expected)
      #expect(try bench.isIn(state))
    }
    try bench.reset(to: 0)
    try Data("{}".utf8).write(to: URL(filePath: bench.model + "/config.json"))
    #expect(code { try bench.run(.apply) } == "patch.file-differs")
    #expect(!Folder.fileExists(bench.model + "/ctk-journal"))
  }

  @Test("a wrong bit names its tensor, and a mixture is told from a wrong base")
  func diagnoses() throws {
    let bench = try InPlaceBench(in: folder, .single, isSameLayout: true)
    try bench.reset(to: 0)
    let path = bench.model + "/model.safetensors"
    let file = try SafetensorsFile(path: path)
    let target = try SafetensorsFile(path: bench.expected(1) + "/model.safetensors")
    let place = try #require(file.byteRange(of: "c.weight"))
    var bytes = try readSmallFile(path)
    let half = try target.withTensorBytes("c.weight") { Array($0) }
    bytes.replaceSubrange(place, with: half)
    try Data(bytes).write(to: URL(filePath: path))
    #expect(code { try bench.run(.apply) } == "patch.partly-applied")
    bytes[place.lowerBound + 100] ^= 4
    try Data(bytes).write(to: URL(filePath: path))
    do {
      try bench.run(.apply)
      Issue.record("a wrong model was accepted")
    } catch {
      #expect(error.code == "patch.wrong-base")
      #expect(error.message.contains("'c.weight'"))
    }
    #expect(try readSmallFile(path) == bytes)
  }

  @Test("only pages that change are written", arguments: [1, 3])
  func changedPages(count: Int) throws {
    // Pages of zeros that are never written stay holes of the file.
    let (weights, path) = (1 << 22, folder.file("sparse.safetensors"))
    let info = try TensorInfo(name: "w", dtype: .f32, shape: [weights])
    let layout = try SafetensorsLayout([info], metadata: [:])
    var tuned = TensorCollection()
    var floats = [Float](repeating: 0, count: weights)
    for change in 0..<count { floats[(change + 1) * 1_000_000] = 1 }
    try tuned.set("w", shape: [weights], floats: floats)
    try Data(layout.header).write(to: URL(filePath: path))
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(layout.byteCount))
    try handle.close()
    let patch = folder.file("p.ctkpatch")
    _ = try PatchExporter.export(base: try SafetensorsFile(path: path), tuned: tuned, to: patch)
    let before = try blocks(path)
    guard before < 1000 else { return }  // A file system without holes.
    _ = try PatchApplier.apply(base: path, patches: [patch], to: .inPlace)
    #expect(try blocks(path) == before + 8 * count)
    let digest = try Fingerprint.of(try SafetensorsFile(path: path))
    #expect(digest == (try Fingerprint.of(tuned)))
  }

  /// Blocks of 512 bytes that a file takes on the disk.
  private func blocks(_ path: String) throws -> Int {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return Int(status.st_blocks)
  }
}

extension InPlaceBench {
  /// Reads weights where they are mapped for the time of one attempt.
  fileprivate func weightsAreInUse() throws {
    try withExtendedLifetime(SafetensorsCheckpoint(path: model)) { reader in
      let name = try #require(reader.tensors.first?.name)
      let lent = try #require(reader.residentBytes(of: name))
      #expect(try reader.withTensorBytes(name) { Array($0) } == Array(lent))
      let found = code {
        _ = try PatchApplier.apply(base: model, patches: [patches[0]], to: .inPlace)
      }
      #expect(found == "patch.busy")
    }
    #expect(try isIn(0))
    // Beside a change bytes are lent for a call, not for good.
    let change = try #require(try FileLock(path: model + "/model.safetensors", .exclusive))
    let reader = try SafetensorsCheckpoint(path: model)
    #expect(reader.residentBytes(of: reader.tensors[0].name) == nil)
    withExtendedLifetime(change) {}
  }

  /// Holds the lock of another command for the time of one attempt.
  fileprivate func folderIsBusy(_ isFolder: Bool) throws {
    let file = model + "/model.safetensors"
    let descriptor = open(isFolder ? model : file, O_RDONLY)
    defer { close(descriptor) }
    try #require(flock(descriptor, LOCK_EX) == 0)
    for path in [model, file] {
      let found = code {
        _ = try PatchApplier.apply(base: path, patches: [patches[0]], to: .inPlace)
      }
      #expect(found == "patch.busy")
    }
    #expect(try isIn(0))
  }
}
