import CTKTestSupport
import Foundation
import Testing

/// The example in `formats/c`, compiled and linked with the built library as a stranger would.
@Suite("A program linked with libctkpatch", .tags(.format))
struct ProgramTests {
  private static let root = URL(filePath: Fixtures.root + "/..").standardizedFileURL.path()
  private static let golden = Fixtures.path("patches/v1")

  /// The build folder, which holds the test bundle and the library.
  private static let buildFolder = BuiltProduct.url("").path()

  private let folder = TemporaryFolder()

  private func compiled() throws -> String {
    let program = folder.file("patch_tensors")
    let result = try Program.run(
      "/usr/bin/env",
      [
        "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program,
        "-I", Self.root + "/Sources/CTKPatchHeader/include",
        Self.root + "/formats/c/patch_tensors.c",
        "-L", Self.buildFolder, "-lctkpatch", "-Wl,-rpath," + Self.buildFolder,
      ])
    try #require(result.status == 0, "\(result.output)")
    return program
  }

  @Test("applies and reverts the golden patches in its own memory")
  func golden() throws {
    let program = try compiled()
    for (pair, patch, outcome) in [
      ("v1", "v1/deflate", "11 tensors applied and reverted, 2 made\n"),
      ("v1", "v1/context", "11 tensors applied and reverted, 2 made\n"),
      ("v1-kinds", "v1-kinds/context", "5 tensors applied and reverted, 5 made\n"),
      ("v1-kinds", "v3/kinds", "5 tensors applied and reverted, 5 made\n"),
    ] {
      let models = Fixtures.path("patches/" + pair)
      let result = try Program.run(
        program,
        [
          Fixtures.path("patches/\(patch).ctkpatch"), "\(models)/base.safetensors",
          "\(models)/tuned.safetensors",
        ])
      #expect(result.status == 0 && result.output == outcome, "\(patch): \(result.output)")
    }
  }

  @Test("tells bytes that are not the tuned model's")
  func wrongModels() throws {
    let program = try compiled()
    let (base, tuned) = (Self.golden + "/base.safetensors", Self.golden + "/tuned.safetensors")
    let patch = Self.golden + "/context.ctkpatch"
    let other = try Program.run(program, [patch, base, base])
    #expect(other.status == 1 && other.output.contains("other bytes than expected"))
    let applied = try Program.run(program, [patch, tuned, tuned])
    #expect(applied.status == 1 && applied.output.contains("patch.already-applied"))
  }
}
