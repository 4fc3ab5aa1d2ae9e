import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

/// Broken and hostile files of every container as sources of an import.
@Suite("Malformed files as sources", .tags(.format, .hostile))
struct MalformedSourceTests {
  /// A file of `fixtures/checkpoints/malformed`, by its listing.
  struct Source: Sendable, CustomTestStringConvertible {
    let group: String
    let name: String

    var testDescription: String { "\(group)/\(name)" }
    var path: String { checkpoint("malformed/\(group)/\(name)") }
  }

  private static let sources: [Source] = ["safetensors", "pytorch", "hdf5"].flatMap { group in
    let listing = try? JSONParser.parseFile(checkpoint("malformed/expected.json"))
    let names = listing?[group]?.objectValue?.keys ?? []
    return names.map { Source(group: group, name: $0) }
  }

  private static let codes = [
    "safetensors": ["safetensors.", "import.", "shape.", "json."],
    "pytorch": ["torch.", "zip.", "import.", "shape.", "checkpoint."],
    "hdf5": ["hdf5.", "import.", "shape."],
  ]

  @Test func theListsAreThere() { #expect(Self.sources.count == 91 + 111 + 116) }

  /// None of them is a model, so that each import ends with an error and nothing else.
  @Test("An import names what is wrong and leaves nothing", arguments: sources)
  func refused(_ source: Source) throws {
    let folder = TemporaryFolder()
    let options = ImportOptions(configurationPath: model("ok/config.json"))
    let error = #expect(throws: CheckpointError.self, "\(source.path)") {
      try runImport(source.path, into: folder, options)
    }
    let code = try #require(error?.code)
    #expect(Self.codes[source.group]?.contains { code.hasPrefix($0) } == true, "\(code)")
    #expect(folder.names.isEmpty)
    #expect(error?.message.isEmpty == false)
  }
}
