import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// `formats/patch.md` section 4.9.
@Suite("Patches of joined streams", .tags(.format, .hostile))
struct JoinedPatchTests {
  private let folder = TemporaryFolder()
  private static let golden = Fixtures.path("patches/v3/kinds.ctkpatch")

  /// What opening and verifying the golden patch throws when its parts were changed.
  private func code(_ change: (inout JoinedParts) throws -> Void) throws -> String? {
    var parts = try JoinedParts(Self.golden)
    try change(&parts)
    let path = folder.file("changed")
    try parts.write(to: path)
    return CTKPatchTests.code { _ = try PatchVerifier.verify(try PatchFile(path: path)) }
  }

  @Test("parts that were not changed are accepted")
  func unchanged() throws {
    #expect(try code { _ in } == nil)
  }

  @Test(
    "rows that do not tell how the payload is divided are refused",
    arguments: [
      ("9223372036854775807", "patch.damaged"), ("18446744073709551615", "patch.damaged"),
      ("-1", "patch.damaged"), ("1.5", "patch.damaged"), ("\"6\"", "patch.damaged"),
      ("0", "patch.damaged"), ("7", "patch.damaged"), ("5", "patch.damaged"),
    ])
  func byteCounts(value: String, expected: String) throws {
    // The file's stream: the form of each part, and three bytes in all.
    let found = try code { $0.replace("\"bytes\":5,\"name\"", "\"bytes\":\(value),\"name\"") }
    #expect(found == (value == "5" ? nil : expected))
  }

  @Test("a row without its byte count is damaged, an alias with one has an unknown member")
  func missingByteCount() throws {
    #expect(try code { $0.replace("\"bytes\":5,\"name\"", "\"name\"") } == "patch.damaged")
    let alias = try code {
      $0.replace("\"kind\":\"alias\"", "\"bytes\":0,\"kind\":\"alias\"")
    }
    #expect(alias == "patch.unsupported")
  }

  @Test("streams that are divided elsewhere are refused, though their digests are right")
  func moved() throws {
    let found = try code { parts in
      let counts = try #require(JSONParser.parse(Array(parts.text.utf8))["tensors"]?.arrayValue)
        .compactMap { $0["bytes"]?.intValue }
      try #require(counts.count > 1 && counts[0] != counts[1])
      parts.replace("\"bytes\":\(counts[0]),", "\"bytes\":first,")
      parts.replace("\"bytes\":\(counts[1]),", "\"bytes\":\(counts[1] - 1),")
      parts.replace("\"bytes\":first,", "\"bytes\":\(counts[0] + 1),")
    }
    #expect(found == "patch.damaged")
  }

  @Test("a payload of more or fewer bytes than its streams is refused")
  func payload() throws {
    #expect(try code { $0.payload.append(0) } == "patch.damaged")
    #expect(try code { $0.payload.removeLast() } == "patch.damaged")
    #expect(try code { $0.payload = [] } == "patch.damaged")
    #expect(try code { $0.payload[0] ^= 1 } == "patch.damaged")
  }

  @Test("digests that are too many, too few or elsewhere are refused")
  func digests() throws {
    #expect(try code { $0.digests.removeLast() } == "patch.damaged")
    #expect(try code { $0.digests.removeLast(32) } == "patch.damaged")
    #expect(try code { $0.digests.append(0) } == "patch.damaged")
    #expect(try code { $0.digests += Array(repeating: 0, count: 32) } == "patch.damaged")
    let hex = Digest.of([]).hex
    for other in ["\"\(hex)\"", "false", "null", "{\"sha256\":true}"] {
      #expect(
        try code { $0.replace("\"before\":true", "\"before\":\(other)") } == "patch.damaged",
        "\(other)")
    }
    #expect(try code { $0.replace("\"sha256\":true", "\"sha256\":1") } == "patch.damaged")
    #expect(try code { $0.replace(",\"sha256\":true", "") } == "patch.damaged")
  }

  @Test("tables that declare more than they hold are refused before memory is taken")
  func declared() throws {
    #expect(try code { $0.excess = 1 } == "patch.damaged")
    #expect(try code { $0.excess = 99_000_000 } == "patch.damaged")
    #expect(try code { $0.excess = 1 << 60 } == "patch.damaged")
  }

  @Test("other streams, and those of other versions, are refused")
  func container() throws {
    #expect(
      try code { try $0.more.set("zebra", dtype: .u8, shape: [1], bytes: [0]) }
        == "patch.damaged")
    let wide = try code { parts in
      try parts.more.set(
        "payload", dtype: .u8, shape: [1, parts.payload.count], bytes: parts.payload)
    }
    #expect(wide == "patch.damaged")
    #expect(try code { $0.metadata["tables_sha256"] = nil } == "patch.damaged")
    for (version, expected) in [
      ("1", "patch.damaged"), ("2", "patch.damaged"), ("4", "patch.unsupported"),
    ] {
      #expect(try code { $0.metadata["version"] = version } == expected, "\(version)")
    }
    #expect(try code { $0.metadata["tensors"] = "[]" } == "patch.unsupported")
  }

  @Test("the same content has the same payload digest joined and apart, and is squashed")
  func squashed() throws {
    let bench = try PatchBench(in: folder)
    let apart = try PatchFile(path: bench.patchPath)
    var options = ExportOptions()
    options.joinsStreams = true
    let (there, back) = (bench.folder.file("there"), bench.folder.file("back"))
    _ = try PatchExporter.export(
      base: bench.base, tuned: bench.tuned, files: [bench.changedConfig], options: options,
      to: there)
    let joined = try PatchFile(path: there)
    #expect(joined.header.payloadDigest == apart.header.payloadDigest)
    #expect(joined.digest != apart.digest)
    _ = try PatchExporter.export(base: bench.tuned, tuned: bench.base, options: options, to: back)
    let round = bench.folder.file("round")
    _ = try PatchSquasher.squash(
      [joined, try PatchFile(path: back)], base: bench.base, options: options, to: round)
    let squashed = try PatchFile(path: round)
    #expect(squashed.header.entries.isEmpty)
    #expect(try SafetensorsFile(path: round).metadata["version"] == "3")
    #expect(try PatchVerifier.verify(squashed, base: bench.base, tuned: bench.base).isOK)
  }
}
