import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

@Suite("Damaged and hostile patches", .tags(.hostile))
struct PatchDamageTests {
  private let folder = TemporaryFolder()

  /// A small patch with all kinds of entries, and the bytes of its file.
  private struct Subject {
    let bench: PatchBench
    let bytes: [UInt8]

    init(in folder: TemporaryFolder, joined: Bool = false) throws {
      bench = try PatchBench(in: folder, seed: 21, blockShift: 6, joined: joined)
      bytes = Array(try Data(contentsOf: URL(filePath: bench.patchPath)))
    }

    /// What applying other bytes as a patch throws; nil when it went through.
    func code(applying bytes: [UInt8]) throws -> String? {
      try bench.folder.write("damaged.ctkpatch", bytes)
      return CTKPatchTests.code {
        _ = try PatchApplier.apply(
          base: bench.basePath, patches: [bench.folder.file("damaged.ctkpatch")],
          output: bench.outputPath)
      }
    }
  }

  @Test("every truncation is refused and leaves no output", arguments: [false, true])
  func truncations(joined: Bool) throws {
    let subject = try Subject(in: folder, joined: joined)
    for count in 0..<subject.bytes.count {
      let found = try subject.code(applying: Array(subject.bytes[..<count]))
      #expect(found != nil, "cut to \(count) bytes")
    }
    #expect(!Folder.exists(subject.bench.outputPath))
  }

  @Test("every flipped byte is refused and leaves no output", arguments: [false, true])
  func flips(joined: Bool) throws {
    let subject = try Subject(in: folder, joined: joined)
    for position in subject.bytes.indices {
      var bytes = subject.bytes
      bytes[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      let found = try subject.code(applying: bytes)
      #expect(found != nil, "byte \(position)")
    }
    #expect(!Folder.exists(subject.bench.outputPath))
    #expect(subject.bench.folder.names == ["base", "damaged.ctkpatch", "task.ctkpatch", "tuned"])
  }

  @Test("random damage never gets through", arguments: 0..<4, [false, true])
  func fuzz(seed: Int, joined: Bool) throws {
    let subject = try Subject(in: folder, joined: joined)
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<150 {
      var bytes = subject.bytes
      for _ in 0...random.next() % 4 {
        let position = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: position)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
        }
      }
      if bytes == subject.bytes { continue }
      #expect(try subject.code(applying: bytes) != nil, "seed \(seed)")
    }
  }

  /// Writes the subject's streams under changed metadata, sealed anew.
  private func rewritten(
    _ subject: Subject, streams change: (String, [UInt8]) -> [UInt8]? = { $1 },
    editing edit: (inout [String: String]) -> Void = { _ in }
  ) throws -> [UInt8] {
    let source = try SafetensorsFile(path: subject.bench.patchPath)
    var streams = TensorCollection()
    var digests: [(name: String, digest: Digest)] = []
    for info in source.tensors {
      let original = try source.withTensorBytes(info.name) { Array($0) }
      guard let bytes = change(info.name, original) else { continue }
      try streams.set(info.name, dtype: .u8, shape: [bytes.count], bytes: bytes)
      digests.append((info.name, .of(bytes)))
    }
    var metadata = source.metadata
    metadata["payload_sha256"] = Fingerprint.checkpoint(digests).hex
    edit(&metadata)
    let path = subject.bench.folder.file("rewritten.ctkpatch")
    try Checkpoints.write(streams, to: path, metadata: HeaderSeal.sealed(metadata))
    return Array(try Data(contentsOf: URL(filePath: path)))
  }

  @Test("streams sealed anew are still refused", arguments: 0..<300)
  func sealedStreams(seed: Int) throws {
    let subject = try Subject(in: folder)
    var random = SeededGenerator(seed: UInt64(seed))
    let bytes = try rewritten(
      subject,
      streams: { name, bytes in
        var bytes = bytes
        let position = Int(random.next() % UInt64(bytes.count))
        bytes[position] ^= UInt8(1 + random.next() % 255)
        return bytes
      })
    let found = try subject.code(applying: bytes)
    #expect(["patch.damaged", "patch.unsupported", "patch.wrong-result"].contains(found))
  }

  @Test("unknown keys are reserved, x- keys and signatures are ignored")
  func unknownKeys() throws {
    let subject = try Subject(in: folder)
    let reserved = try rewritten(subject, editing: { $0["extra"] = "1" })
    #expect(try subject.code(applying: reserved) == "patch.unsupported")
    let later = try rewritten(subject, editing: { $0["version"] = "4" })
    #expect(try subject.code(applying: later) == "patch.unsupported")
    for version in ["2", "3"] {
      let withoutTables = try rewritten(subject, editing: { $0["version"] = version })
      #expect(try subject.code(applying: withoutTables) == "patch.damaged")
    }
    let ignored = try rewritten(
      subject,
      editing: {
        $0["x-note"] = "1"
        $0["signatures"] = "[]"
      })
    #expect(try subject.code(applying: ignored) == nil)
  }

  @Test(
    "tables that contradict themselves are refused",
    arguments: [
      ("\"kind\":\"changed\"", "\"kind\":\"moved\"", "patch.unsupported"),
      ("\"kind\":\"changed\"", "\"kind\":\"grown\"", "patch.damaged"),
      ("\"kind\":\"grown\"", "\"kind\":\"shrunk\"", "patch.damaged"),
      ("\"base_shape\":[2,2]", "\"base_shape\":[2,3]", "patch.damaged"),
      ("\"codec\":\"context\"", "\"codec\":\"unknown\"", "patch.unsupported"),
      ("\"kind\":\"added\"", "\"kind\":\"removed\"", "patch.damaged"),
      ("\"kind\":\"grown\"", "\"kind\":\"changed\"", "patch.unsupported"),
      ("\"dtype\":\"BF16\"", "\"dtype\":\"F128\"", "patch.damaged"),
      ("\"shape\":[12,20]", "\"shape\":[12,-20]", "patch.damaged"),
      ("\"shape\":[12,20]", "\"shape\":[4294967296,4294967296]", "patch.damaged"),
      ("\"shape\":[12,20]", "\"shape\":[20,12]", "patch.damaged"),
      ("\"shape\":[2,3]", "\"shape\":[2000000,3000000]", "patch.damaged"),
      ("\"name\":\"b.weight\"", "\"name\":\"a.weight\"", "patch.damaged"),
      ("\"name\":\"b.weight\"", "\"name\":\"b.other\"", "patch.damaged"),
      ("\"changes\":", "\"x-changes\":", "patch.damaged"),
      ("\"changes\":", "\"changed\":0,\"changes\":", "patch.unsupported"),
    ])
  func contradictions(old: String, new: String, expected: String) throws {
    let subject = try Subject(in: folder)
    let bytes = try rewritten(
      subject,
      editing: { metadata in
        let table = metadata["tensors"] ?? ""
        #expect(table.contains(old))
        metadata["tensors"] = table.replacingOccurrences(of: old, with: new)
      })
    #expect(try subject.code(applying: bytes) == expected)
  }

  @Test(
    "file names cannot leave the folder",
    arguments: ["../config.json", "/etc/x", "model.safetensors", ".x", "a\\b"])
  func fileNames(name: String) throws {
    let subject = try Subject(in: folder)
    let bytes = try rewritten(
      subject,
      editing: { metadata in
        let quoted = JSONValue.string(name).compactText
        metadata["files"] = metadata["files"]?.replacingOccurrences(
          of: "\"config.json\"", with: quoted)
      })
    #expect(try subject.code(applying: bytes) == "patch.damaged")
  }

  @Test("a missing stream, a stream too many and a lying digest are refused")
  func streams() throws {
    let subject = try Subject(in: folder)
    let missing = try rewritten(subject, streams: { $0 == "tensor:c.scale" ? nil : $1 })
    #expect(try subject.code(applying: missing) == "patch.damaged")
    let lying = try rewritten(
      subject,
      editing: { metadata in
        let header = try? PatchFile(path: subject.bench.patchPath).header
        let digest = header?.entries[0].after?.digest.hex ?? ""
        metadata["tensors"] = metadata["tensors"]?.replacingOccurrences(
          of: digest, with: String(repeating: "0", count: 64))
      })
    #expect(try subject.code(applying: lying) == "patch.wrong-result")
    let target = try rewritten(
      subject,
      editing: {
        $0["target_fingerprint"] = String(repeating: "0", count: 64)
      })
    #expect(try subject.code(applying: target) == "patch.wrong-result")
  }
}
