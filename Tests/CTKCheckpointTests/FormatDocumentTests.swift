import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Foundation
import Testing

@Suite("formats/fingerprint.md and formats/import-report.md", .tags(.format))
struct FormatDocumentTests {
  @Test("The worked example has the digests that the code computes")
  func workedExample() throws {
    let text = try document("fingerprint.md")
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.contains("F") }
    var digests: [(name: String, digest: Digest)] = []
    for row in rows {
      let cells = row.split(separator: "|").map { $0.trimming(while: " `") }
      try #require(cells.count == 5)
      let shape = cells[2].split(separator: ",").compactMap { Int($0) }
      let data = cells[3].split(separator: " ").compactMap { UInt8($0, radix: 16) }
      let dtype = try #require(DType(rawValue: cells[1]))
      let info = try TensorInfo(name: cells[0], dtype: dtype, shape: shape)
      #expect(info.byteCount == data.count)
      let digest = data.withUnsafeBytes { Fingerprint.tensor(info, bytes: $0) }
      #expect(digest.hex == cells[4])
      digests.append((cells[0], digest))
    }
    #expect(digests.count == 3)
    #expect(text.contains("The fingerprint is `\(Fingerprint.checkpoint(digests).hex)`."))
    for entry in digests {
      #expect(text.contains("\n\(entry.name.utf8.count)\n\(entry.name)\n\(entry.digest.hex)\n"))
    }
  }

  @Test("Every field of a report is described, and every described field is there")
  func reportFields() throws {
    let text = try document("import-report.md")
    let section = try #require(
      text.components(separatedBy: "## ").first { $0.hasPrefix("2. Form") })
    let described = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
      .compactMap { $0.split(separator: "|").first?.trimming(while: " `") }
    let report = try runImport(model("ok"))
    #expect(Set(described) == Set(report.json.objectValue?.keys ?? []))
  }

  @Test("Every code of an import is described")
  func reportCodes() throws {
    let text = try document("import-report.md")
    for code in ["tensor-missing", "shape-mismatch", "conflict", "dtype-unsupported"] {
      #expect(CheckpointErrorCode(rawValue: "import." + code) != nil)
      #expect(text.contains("| `import.\(code)` |"))
    }
  }

  private func document(_ name: String) throws -> String {
    try String(contentsOfFile: Fixtures.path("../formats/" + name), encoding: .utf8)
  }
}

extension Substring {
  fileprivate func trimming(while characters: String) -> String {
    let start = drop { characters.contains($0) }
    return String(start.reversed().drop { characters.contains($0) }.reversed())
  }
}
