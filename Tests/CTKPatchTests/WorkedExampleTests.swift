import CTKCore
import CTKPatch
import CTKTestSupport
import Foundation
import Testing

/// The hex dump in `formats/patch.md` section 11.
@Suite("The worked example of the format document", .tags(.format))
struct WorkedExampleTests {
  private let folder = TemporaryFolder()
  private let base: [Float] = [0.5, -0.0, 1, 2]
  private let tuned: [Float] = [0.5, 0.0, 1, 2.0000002]
  private let config = (before: Array("{}\n".utf8), after: Array("{\"n\": 2}\n".utf8))

  private func source(_ floats: [Float]) throws -> TensorCollection {
    var result = TensorCollection()
    try result.set("w", shape: [2, 2], floats: floats)
    return result
  }

  /// The bytes of the document's only `hex` block: offset, then up to 16 bytes a line.
  private func documentBytes() throws -> [UInt8] {
    let path = URL(filePath: Fixtures.root).appending(path: "../formats/patch.md")
    let text = try String(contentsOf: path, encoding: .utf8)
    let block = try #require(text.components(separatedBy: "```hex\n").dropFirst().first)
    let lines = try #require(block.components(separatedBy: "```").first)
    return lines.split(separator: "\n").flatMap { line in
      line.split(separator: " ").dropFirst().compactMap { UInt8($0, radix: 16) }
    }
  }

  @Test("it opens, holds what the text says and works both ways")
  func parse() throws {
    let path = try folder.write("example.ctkpatch", documentBytes())
    let patch = try PatchFile(path: path)
    #expect(patch.header.provenance == Provenance(note: "example"))
    #expect(patch.header.entries.map(\.changes) == [2])
    let file = try patch.contents(of: patch.header.files[0])
    #expect(file.before == config.before && file.after == config.after)
    let tensor = try patch.tensorPatch(named: "w")
    var words = base.map(\.bitPattern)
    words.withUnsafeMutableBytes { tensor.apply(to: $0) }
    #expect(words == tuned.map(\.bitPattern))
    words.withUnsafeMutableBytes { tensor.revert(in: $0) }
    #expect(words == base.map(\.bitPattern))
    let result = try PatchVerifier.verify(patch, base: source(base), tuned: source(tuned))
    #expect(result.isOK)
  }

  @Test("the writer writes the same bytes")
  func write() throws {
    let path = folder.file("written.ctkpatch")
    let change = ChangedFile(name: "config.json", before: config.before, after: config.after)
    _ = try PatchExporter.export(
      base: source(base), tuned: source(tuned), files: [change],
      provenance: Provenance(note: "example"), options: ExportOptions(codec: .deflate),
      to: path)
    let written = Array(try Data(contentsOf: URL(filePath: path)))
    #expect(try written == documentBytes())
  }
}
