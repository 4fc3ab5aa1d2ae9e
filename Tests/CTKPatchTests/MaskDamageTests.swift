import CTKCore
import CTKPatch
import CTKTestSupport
import Foundation
import Testing

@Suite("Damaged and hostile masks of the codec context", .tags(.hostile))
struct MaskDamageTests {
  private let folder = TemporaryFolder()
  private static let golden = Fixtures.path("patches/v1/context.ctkmask")
  /// Where the golden stream's one block begins: behind block shift and byte count.
  private static let blockStart = 3

  private func code(_ path: String) -> String? {
    CTKPatchTests.code { _ = try ParameterMask(path: path) }
  }

  /// The code for the golden mask with another stream or row, sealed anew.
  private func code(
    stream: [UInt8]? = nil, row edit: (inout JSONObject) -> Void = { _ in }
  ) throws -> String? {
    let path = folder.file("edited")
    try MaskEdit.write(path, from: Self.golden, stream: stream, row: edit)
    return code(path)
  }

  @Test("every truncation and every flipped byte is refused")
  func files() throws {
    let bytes = Array(try Data(contentsOf: URL(filePath: Self.golden)))
    for position in bytes.indices {
      let cut = try folder.write("damaged", Array(bytes[..<position]))
      #expect(code(cut) != nil, "cut to \(position) bytes")
      for flip: UInt8 in [0x01, 0x10, 0x80, 0xFF] {
        var flipped = bytes
        flipped[position] ^= flip
        #expect(code(try folder.write("damaged", flipped)) != nil, "byte \(position)")
      }
    }
  }

  @Test("streams sealed anew are refused, or hold the same positions")
  func streams() throws {
    let expected = try ParameterMask(path: Self.golden).tensors
    let bytes = try MaskEdit.stream(of: Self.golden)
    for position in bytes.indices {
      if position % 4 == 0 {
        #expect(try code(stream: Array(bytes[..<position])) == "mask.damaged", "\(position)")
      }
      var flipped = bytes
      flipped[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      switch try code(stream: flipped) {
      case "mask.damaged", "mask.unsupported": continue
      case let found:
        #expect(found == nil)
        #expect(try ParameterMask(path: folder.file("edited")).tensors == expected)
      }
    }
    #expect(try code(stream: bytes + [0]) == "mask.damaged")
  }

  @Test("blocks with values, with another mask's positions or of a later form are refused")
  func forms() throws {
    var bytes = try MaskEdit.stream(of: Self.golden)
    #expect(bytes[Self.blockStart] == 4)
    for (form, expected) in [
      (4 | 1 << 3, "mask.damaged"), (3, "mask.damaged"), (5, "mask.unsupported"),
      (4 | 7 << 3, "mask.unsupported"),
    ] {
      bytes[Self.blockStart] = UInt8(form)
      #expect(try code(stream: bytes) == expected, "form \(form)")
    }
  }

  @Test("a block of all units has nothing behind its head")
  func wholeBlock() throws {
    let units = Array(0..<UInt32(4096))
    let block = units.withUnsafeBufferPointer {
      ContextBlockEncoder().encodePositions(
        BlockPlace(units: 0..<4096, unit: CodingUnit(.u8), width: 64), $0)
    }
    func stream(_ block: [UInt8]) -> [UInt8] { [12, UInt8(block.count)] + block }
    func code(_ block: [UInt8]) throws -> String? {
      // All of it is right but for the content's digest.
      try self.code(stream: stream(block)) { $0["selected"] = 4096 }
    }
    let path = folder.file("whole")
    try MaskEdit.write(path, from: Self.golden, stream: stream(block)) { $0["selected"] = 4096 }
    let message = try #require(throws: PatchError.self) { try ParameterMask(path: path) }.message
    #expect(message.contains("digest"))
    for damaged in [block + [0, 0, 0, 0], block.dropLast() + [1], Array(block.dropLast(4))] {
      try MaskEdit.write(path, from: Self.golden, stream: stream(damaged)) {
        $0["selected"] = 4096
      }
      let error = try #require(throws: PatchError.self) { try ParameterMask(path: path) }
      #expect(error.code == "mask.damaged" && !error.message.contains("digest"))
    }
    #expect(try code(block) == "mask.damaged")
  }

  @Test("declared counts are refused before anything is decoded")
  func counts() throws {
    let bytes = try MaskEdit.stream(of: Self.golden)
    let count = try ParameterMask(path: Self.golden).selected
    for selected in [0, count - 1, count + 1, 4096, 4097, 1 << 40] {
      #expect(try code { $0["selected"] = .integer(selected) } == "mask.damaged")
    }
    // Some bytes must not stand for billions of positions.
    #expect(
      try code {
        $0["shape"] = [65_536, 65_536]
        $0["selected"] = .integer(1 << 32)
      } == "mask.damaged")
    #expect(try code { $0["shape"] = [64, 63] } == "mask.damaged")
    #expect(try code(stream: [12, 0x7F] + bytes.dropFirst(2)) == "mask.damaged")
  }

  @Test("codecs that are not of this version are refused")
  func codecs() throws {
    #expect(try code { $0["codec"] = "lzma" } == "mask.unsupported")
    #expect(try code { $0["codec"] = "deflate" } == "mask.unsupported")
    #expect(try code { $0["codec"] = 1 } == "mask.damaged")
    #expect(try code { $0["codec"] = nil } == "mask.damaged")
    #expect(try code { $0["coding"] = "context" } == "mask.unsupported")
    #expect(try code { _ in } == nil)
  }
}
