import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// Sparse files of more than 2 GiB, with a tensor of more than 2^31 elements.
///
/// Runs where the environment has `CTK_TEST_LARGE`: it hashes some twenty gigabytes.
@Suite(
  "Large tensors", .tags(.format),
  .enabled(if: ProcessInfo.processInfo.environment["CTK_TEST_LARGE"] != nil))
struct LargeTensorTests {
  private static let elements = 1 << 31 + 4096 + 77

  private let folder = TemporaryFolder()

  /// Writes a model of one tensor that is zero but for some elements.
  private func sparse(_ name: String, ones: [Int]) throws -> String {
    let info = try TensorInfo(name: "w", dtype: .u8, shape: [Self.elements])
    let layout = try SafetensorsLayout([info], metadata: [:])
    let path = try folder.write(name, layout.header)
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(layout.byteCount))
    for place in ones {
      try handle.seek(toOffset: UInt64(layout.header.count + place))
      try handle.write(contentsOf: Data([1]))
    }
    try handle.close()
    return path
  }

  @Test("changes beyond 2^31 elements go both ways", arguments: CodecChoice.allCases)
  func bothWays(codec: CodecChoice) throws {
    let ones = [0, 1 << 31 - 1, 1 << 31, Self.elements - 1]
    let (base, tuned) = (
      try sparse("base.safetensors", ones: []), try sparse("tuned.safetensors", ones: ones)
    )
    let (before, after) = (try SafetensorsFile(path: base), try SafetensorsFile(path: tuned))
    let diff = try CheckpointComparer.compare(before, after)
    #expect(diff.total.changed == ones.count && diff.total.unitCount == Self.elements)
    let path = folder.file("p.ctkpatch")
    let summary = try PatchExporter.export(
      base: before, tuned: after, options: ExportOptions(codec: codec), to: path)
    #expect(summary.changes == ones.count)
    let applied = try PatchApplier.apply(base: base, patches: [path], to: .inPlace)
    #expect(applied.fingerprint == summary.targetFingerprint)
    #expect(try PatchVerifier.verify(try PatchFile(path: path), tuned: before).isOK)
    let reverted = try PatchApplier.revert(model: base, patches: [path], to: .inPlace)
    #expect(reverted.fingerprint == summary.baseFingerprint)
  }
}
