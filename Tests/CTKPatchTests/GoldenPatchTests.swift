import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// Patches of every version stay readable, by every reader.
@Suite("Golden patches", .tags(.format))
struct GoldenPatchTests {
  private static let folder = Fixtures.path("patches/v1")
  private static let environment = ProcessInfo.processInfo.environment

  private func side(_ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: Self.folder + "/\(name).safetensors")
  }

  @Test(
    "golden patches are recorded", .enabled(if: environment["CTK_RECORD_PATCHES"] != nil),
    arguments: [CodecChoice.deflate, .context])
  func record(codec: CodecChoice) throws {
    _ = try PatchExporter.export(
      base: side("base"), tuned: side("tuned"), provenance: Provenance(note: "golden"),
      options: ExportOptions(codec: codec), to: Self.folder + "/\(codec).ctkpatch",
      replacesExisting: true)
  }

  @Test("every golden patch goes both ways", arguments: ["deflate", "context"])
  func bothWays(name: String) throws {
    let patch = try PatchFile(path: Self.folder + "/\(name).ctkpatch")
    let result = try PatchVerifier.verify(patch, base: side("base"), tuned: side("tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    #expect(Set(patch.header.entries.map(\.kind)) == [.changed, .added, .removed, .replaced])
    #expect(patch.header.entries.allSatisfy { $0.codec.rawValue == name })
  }

  /// A Python with numpy, which the reader in `formats/python` needs.
  private static let python: String? = {
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/python3"
      guard FileManager.default.isExecutableFile(atPath: path) else { continue }
      if (try? run(path, ["-c", "import numpy"]))?.status == 0 { return path }
    }
    return nil
  }()

  private static func run(
    _ path: String, _ arguments: [String]
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test("the Python reader passes its own tests on them", .enabled(if: python != nil))
  func pythonReader() throws {
    let script = Fixtures.root + "/../formats/python/test_ctkpatch.py"
    let result = try Self.run(try #require(Self.python), [script])
    #expect(result.status == 0, "\(result.output)")
  }
}
