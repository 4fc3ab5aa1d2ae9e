import CTKCore
import CTKTestSupport
import CTKTorch
import Testing

/// The code of the failure that reading a whole file ends with, or nil.
func torchFailure(_ path: String) -> String? {
  do {
    try readAll(path)
    return nil
  } catch let error as any Diagnosable {
    return error.code
  } catch {
    return "\(error)"
  }
}

func readAll(_ path: String) throws {
  let file = try TorchFile(path: path)
  for info in file.tensors {
    let count = try file.withTensorBytes(info.name) { $0.count }
    #expect(count == info.byteCount)
  }
}

@Suite("Listed files", .tags(.format, .hostile))
struct ListedFilesTests {
  private static let writtenFiles = ListedFile.all(listing: "torch/expected.json", folder: "torch")
  private static let malformedFiles = ListedFile.all(
    listing: "checkpoints/malformed/expected.json", group: "pytorch",
    folder: "checkpoints/malformed/pytorch")

  @Test func theListsAreThere() {
    #expect(Self.writtenFiles.count >= 17 && Self.malformedFiles.count == 111)
  }

  @Test("What torch.save writes", arguments: writtenFiles)
  func written(_ file: ListedFile) throws {
    guard file.expect == "accept" else {
      #expect(torchFailure(file.path) == file.code)
      return
    }
    try file.compare(try TorchFile(path: file.path))
  }

  @Test("Broken and hostile files", arguments: malformedFiles)
  func malformed(_ file: ListedFile) throws {
    switch file.expect {
    case "accept": try file.compare(try TorchFile(path: file.path))
    case "reject":
      let code = try #require(torchFailure(file.path))
      #expect(code.hasPrefix("torch.") || code.hasPrefix("zip.") || code.hasPrefix("shape."))
      if file.expectation["phase"]?.stringValue == "read" {
        #expect(throws: Never.self) { try TorchFile(path: file.path) }
      }
    case "either":
      do {
        let opened = try TorchFile(path: file.path)
        if file.expectation["tensors"]?.objectValue != nil { try file.compare(opened) }
      } catch let error as TorchError {
        #expect(error.path == file.path && error.status == .badInput)
      }
    default: Issue.record("unknown expectation \(file.expect)")
    }
  }

  @Test(
    "Refusals have their own codes",
    arguments: [
      ("git-lfs-pointer", "torch.not-torch"), ("html-error-page", "torch.not-torch"),
      ("not-a-zip", "torch.not-torch"), ("zip-empty-file", "torch.not-torch"),
      ("ok-legacy-not-zip", "torch.legacy-format"), ("zip-torchscript", "torch.torchscript"),
      ("global-os-system", "torch.global-refused"), ("global-unused", "torch.global-refused"),
      ("global-stack-global", "torch.global-refused"), ("global-dotted", "torch.global-refused"),
      ("global-lookalike", "torch.global-refused"), ("whole-module", "torch.global-refused"),
      ("numpy-scalar", "torch.global-refused"), ("global-extension", "torch.opcode-refused"),
      ("global-inst", "torch.opcode-refused"), ("pickle-stack-underflow", "torch.pickle-damaged"),
      ("pickle-deep-nesting", "torch.root-invalid"), ("root-tensor", "torch.root-invalid"),
      ("ok-name-twice", "torch.name-repeated"), ("storage-missing", "torch.storage-invalid"),
      ("storage-path-traversal", "torch.storage-invalid"),
      ("storage-same-key-two-sizes", "torch.storage-invalid"),
      ("view-past-end", "torch.view-invalid"), ("view-expand-bomb", "torch.limit-exceeded"),
      ("zip-crc-storage", "torch.checksum-mismatch"), ("zip-overlap", "zip.damaged"),
      ("zip-name-mismatch", "zip.damaged"), ("zip-two-pickles", "zip.name-unsafe"),
      ("zip-encrypted-flag", "zip.unsupported"), ("zip-no-pickle", "torch.archive-invalid"),
      ("zip-deflated-storage", "torch.storage-invalid"), ("zip-truncated-tail", "zip.not-zip"),
    ])
  func codes(_ name: String, _ code: String) {
    #expect(
      torchFailure(Fixtures.path("checkpoints/malformed/pytorch/\(name).bin")) == code)
  }

  @Test func theOffenderIsNamedWithItsPlace() {
    let path = Fixtures.path("checkpoints/malformed/pytorch/global-os-system.bin")
    let error = #expect(throws: TorchError.self) { try TorchFile(path: path) }
    #expect(error?.message.contains("'os.system' at byte ") == true)
    let opcode = Fixtures.path("checkpoints/malformed/pytorch/global-extension.bin")
    let refusal = #expect(throws: TorchError.self) { try TorchFile(path: opcode) }
    #expect(refusal?.message.contains("EXT1 at byte ") == true)
  }

  @Test func readingIsAccepted() throws {
    for name in ["ok-big-endian", "ok-dtypes-v3", "ok-protocol4", "zip-deflated-pickle"] {
      let path = Fixtures.path("checkpoints/malformed/pytorch/\(name).bin")
      #expect(torchFailure(path) == nil, "\(name)")
    }
  }
}
