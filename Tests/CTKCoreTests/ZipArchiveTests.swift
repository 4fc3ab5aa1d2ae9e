import CTKCore
import CTKTestSupport
import Testing

@Suite("Zip directories", .tags(.format, .hostile))
struct ZipArchiveTests {
  private static let plain = RawZip([
    .init("a/x", [1, 2, 3]), .init("a/", []), .init("a/\u{E9}.bin", []),
  ])

  private func code(_ bytes: [UInt8]) -> String? {
    do {
      _ = try open(bytes)
      return nil
    } catch {
      return error.code
    }
  }

  private func open(_ bytes: [UInt8]) throws(ArchiveError) -> ZipArchive {
    let span = bytes.span
    return try span.withUnsafeBytes { (bytes) throws(ArchiveError) in try ZipArchive(file: bytes) }
  }

  @Test func membersAreFound() throws {
    let bytes = Self.plain.bytes
    let archive = try open(bytes)
    #expect(archive.entries.map(\.name) == ["a/x", "a/", "a/\u{E9}.bin"])
    let entry = try #require(archive.entry(named: "a/x"))
    #expect(Array(bytes[entry.range]) == [1, 2, 3])
    #expect(entry.checksum == RawZip.crc32([1, 2, 3]) && entry.method == .stored)
    #expect(archive.entry(named: "a/")?.isFolder == true)
    #expect(archive.entry(named: "x") == nil)
  }

  @Test(
    "Names that are no plain paths are refused",
    arguments: ["/etc/x", "../x", "a/../x", "a//x", "./x", "a\\x", "a\0x", "", "/"])
  func unsafeNames(_ name: String) {
    #expect(code(RawZip([.init(name, [])]).bytes) == "zip.name-unsafe")
  }

  @Test func repeatedNamesAreRefused() {
    #expect(code(RawZip([.init("x", [1]), .init("x", [2])]).bytes) == "zip.name-unsafe")
  }

  @Test("What readers understand differently is refused") func contradictions() {
    var other = Self.plain
    other.members[0].localName = "b/x"
    #expect(code(other.bytes) == "zip.damaged")
    var encrypted = Self.plain
    encrypted.members[0].flags = 1
    #expect(code(encrypted.bytes) == "zip.unsupported")
    var compressed = Self.plain
    compressed.members[0].method = 12
    #expect(code(compressed.bytes) == "zip.unsupported")
    var commented = Self.plain
    commented.comment = Array("comment".utf8)
    #expect(code(commented.bytes) == "zip.not-zip")
    #expect(code(Self.plain.bytes + [0]) == "zip.not-zip")
    #expect(code([0] + Self.plain.bytes) == "zip.damaged")
  }

  @Test func everyTruncationIsRefused() {
    let bytes = Self.plain.bytes
    for count in bytes.indices { #expect(code(Array(bytes[..<count])) != nil, "\(count)") }
  }

  @Test("A changed byte is refused or stays inside the file") func changedBytes() throws {
    let bytes = Self.plain.bytes
    for position in bytes.indices {
      for value in [0, 1, 0x7F, 0xFF] as [UInt8] {
        var changed = bytes
        changed[position] ^= value
        guard let archive = try? open(changed) else { continue }
        #expect(archive.entries.allSatisfy { $0.range.upperBound <= changed.count })
      }
    }
  }
}
