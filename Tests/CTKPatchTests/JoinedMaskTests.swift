import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// `formats/mask.md` section 2.1.
@Suite("Masks of joined streams", .tags(.format, .hostile))
struct JoinedMaskTests {
  private let folder = TemporaryFolder()
  private static let golden = Fixtures.path("patches/v3/joined.ctkmask")

  private func mask(tensorCount: Int) throws -> ParameterMask {
    let tensors = try (0..<tensorCount).map { index in
      try MaskedTensor(
        name: "layer.\(index).weight", shape: [6, 50],
        positions: (0..<300).filter { $0 % UInt32(index + 2) == 0 },
        scores: ScoreSummary(total: 1.5, largest: 0.25))
    }
    return try ParameterMask(
      tensors: tensors + [MaskedTensor(name: "none", shape: [3], positions: [])],
      baseFingerprint: .of([1]), scored: 300 * tensorCount + 3, keep: 0.2, score: "fisher")
  }

  private func goldenMask() throws -> ParameterMask {
    let tensors = try mask(tensorCount: 2).tensors + [MaskCodecTests.goldenTensor()]
    return try ParameterMask(
      tensors: tensors, baseFingerprint: .of([1]), scored: 4699, keep: 0.2, score: "fisher")
  }

  @Test(
    "a golden mask of joined streams is recorded",
    .enabled(if: ProcessInfo.processInfo.environment["CTK_RECORD_PATCHES"] != nil))
  func record() throws {
    if Folder.fileExists(Self.golden) { return }
    try goldenMask().write(to: Self.golden, blockShift: nil, joinsStreams: true)
  }

  @Test("the golden mask of joined streams holds what it is made of")
  func golden() throws {
    let expected = try goldenMask()
    let found = try ParameterMask(path: Self.golden)
    #expect(found.tensors == expected.tensors && found.digest == expected.digest)
    #expect(try SafetensorsFile(path: Self.golden).metadata["version"] == "2")
  }

  @Test("long tables are joined, short ones are metadata, and both hold the same")
  func lengths() throws {
    for (tensorCount, version) in [(3, "1"), (60, "2")] {
      let mask = try mask(tensorCount: tensorCount)
      let path = folder.file("\(tensorCount)")
      try mask.write(to: path)
      #expect(try SafetensorsFile(path: path).metadata["version"] == version)
      let other = folder.file("other-\(tensorCount)")
      try mask.write(to: other, blockShift: nil, joinsStreams: version == "1")
      let files = try [path, other].map { try SafetensorsFile(path: $0).metadata }
      #expect(files[0]["version"] != files[1]["version"])
      #expect(files[0]["payload_sha256"] == files[1]["payload_sha256"])
      for path in [path, other] {
        #expect(try ParameterMask(path: path).json == mask.json)
      }
    }
  }

  @Test("every truncation and every flipped byte is refused")
  func damage() throws {
    let bytes = Array(try Data(contentsOf: URL(filePath: Self.golden)))
    func isRefused(_ bytes: [UInt8]) throws -> Bool {
      try folder.write("damaged", bytes)
      return CTKPatchTests.code { _ = try ParameterMask(path: folder.file("damaged")) } != nil
    }
    for position in bytes.indices {
      #expect(try isRefused(Array(bytes[..<position])), "cut to \(position) bytes")
      var flipped = bytes
      flipped[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      #expect(try isRefused(flipped), "byte \(position)")
    }
  }

  /// What opening the golden mask throws when its parts were changed.
  private func code(_ change: (inout JoinedParts) throws -> Void) throws -> String? {
    var parts = try JoinedParts(Self.golden)
    try change(&parts)
    let path = folder.file("changed")
    try parts.write(to: path)
    return CTKPatchTests.code { _ = try ParameterMask(path: path) }
  }

  @Test("rows that do not tell how the payload is divided are refused")
  func byteCounts() throws {
    #expect(try code { _ in } == nil)
    let own = "\"bytes\":2,\"name\":\"none\""
    for value in ["9223372036854775807", "18446744073709551615", "-1", "1.5", "0", "1", "3"] {
      let found = try code { $0.replace(own, "\"bytes\":\(value),\"name\":\"none\"") }
      #expect(found == "mask.damaged", "\(value)")
    }
    #expect(try code { $0.replace(own, "\"name\":\"none\"") } == "mask.damaged")
    let alias = try code { $0.replace(own, own + ",\"kind\":\"alias\"") }
    #expect(alias == "mask.damaged" || alias == "mask.unsupported")
  }

  @Test("other bytes, files and tables are refused")
  func content() throws {
    #expect(try code { $0.payload.append(0) } == "mask.damaged")
    #expect(try code { $0.payload.removeLast() } == "mask.damaged")
    #expect(try code { $0.payload = [] } == "mask.damaged")
    #expect(try code { $0.digests = [0] } == "mask.damaged")
    #expect(try code { $0.digests = Array(repeating: 0, count: 32) } == "mask.damaged")
    #expect(try code { $0.excess = 1 << 60 } == "mask.damaged")
    let file = "{\"bytes\":0,\"name\":\"x\"}"
    #expect(try code { $0.replace("\"files\":[]", "\"files\":[\(file)]") } == "mask.damaged")
    #expect(try code { $0.replace("\"files\":[],", "") } == "mask.damaged")
    #expect(try code { $0.replace("\"files\":[]", "\"more\":[]") } == "mask.damaged")
    #expect(try code { $0.replace("\"files\":", "\"more\":0,\"files\":") } == "mask.unsupported")
    #expect(
      try code { try $0.more.set("zebra", dtype: .u8, shape: [1], bytes: [0]) } == "mask.damaged")
    #expect(try code { $0.metadata["tables_sha256"] = nil } == "mask.damaged")
    #expect(try code { $0.metadata["tensors"] = "[]" } == "mask.unsupported")
    for (version, expected) in [("1", "mask.damaged"), ("3", "mask.unsupported")] {
      #expect(try code { $0.metadata["version"] = version } == expected, "\(version)")
    }
  }
}
