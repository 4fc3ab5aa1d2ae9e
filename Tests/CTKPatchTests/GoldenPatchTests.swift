import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// Patches of every version stay readable, by every reader.
@Suite("Golden patches", .tags(.format))
struct GoldenPatchTests {
  /// Folders with a pair of models, and the kinds of change that they have.
  private static let pairs: [String: Set<PatchEntry.Kind>] = [
    "v1": [.changed, .added, .removed, .replaced], "v1-kinds": Set(PatchEntry.Kind.allCases),
  ]
  private static let environment = ProcessInfo.processInfo.environment

  private func path(_ pair: String, _ name: String) -> String {
    Fixtures.path("patches/\(pair)/\(name)")
  }

  private func side(_ pair: String, _ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: path(pair, name + ".safetensors"))
  }

  @Test(
    "golden patches that are missing are recorded",
    .enabled(if: environment["CTK_RECORD_PATCHES"] != nil),
    arguments: pairs.keys.sorted(), [CodecChoice.deflate, .context])
  func record(pair: String, codec: CodecChoice) throws {
    let path = path(pair, "\(codec).ctkpatch")
    if Folder.fileExists(path) { return }
    _ = try PatchExporter.export(
      base: side(pair, "base"), tuned: side(pair, "tuned"), provenance: Provenance(note: "golden"),
      options: ExportOptions(codec: codec), to: path)
  }

  /// Golden patches with rounded changes, and those that refer to the golden mask.
  private static let roundings: [Rounding] = [.bf16, .int8, .int4]
  private static let maskPath = Fixtures.path("patches/v1/golden.ctkmask")
  private static let weight = "a.weight"

  /// One `F32` weight of a golden model.
  private func weight(_ side: String) throws -> TensorCollection {
    let file = try self.side("v1", side)
    let info = try file.requireInfo(of: Self.weight)
    var collection = TensorCollection()
    try file.withTensorBytes(info.name) {
      try collection.set(info.name, dtype: info.dtype, shape: info.shape, bytes: Array($0))
    }
    return collection
  }

  /// The weights that change, and one that does not.
  private func mask() throws -> ParameterMask {
    let (base, tuned) = (try weight("base"), try weight("tuned"))
    let info = try base.requireInfo(of: Self.weight)
    let words = try [base, tuned].map { side in
      try side.withTensorBytes(info.name) { bytes in
        (0..<info.elementCount).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
      }
    }
    let units = 0..<UInt32(info.elementCount)
    var positions = units.filter { words[0][Int($0)] != words[1][Int($0)] }
    positions.append(try #require(units.first { !positions.contains($0) }))
    let tensor = try MaskedTensor(
      name: info.name, shape: info.shape, positions: positions.sorted())
    return try ParameterMask(
      tensors: [tensor], baseFingerprint: Fingerprint.checkpoint([]), scored: info.elementCount,
      keep: 0.1, score: "fisher")
  }

  @Test(
    "golden rounded, masked and shared patches that are missing are recorded",
    .enabled(if: environment["CTK_RECORD_PATCHES"] != nil))
  func recordMore() throws {
    for rounding in Self.roundings {
      var options = ExportOptions()
      options.rounding = rounding
      try record(options, "\(rounding)")
    }
    let mask = try mask()
    if !Folder.fileExists(Self.maskPath) { try mask.write(to: Self.maskPath) }
    try record(ExportOptions(codec: .context), "shared")
    for codec in [CodecChoice.deflate, .context] {
      var options = ExportOptions(codec: codec)
      options.mask = mask
      try record(options, "masked-\(codec)")
    }
  }

  private static let joinedPath = Fixtures.path("patches/v3/kinds.ctkpatch")
  private static let file = ChangedFile(name: "config.json", before: [1], after: [2, 3])

  @Test(
    "a golden patch of joined streams is recorded",
    .enabled(if: environment["CTK_RECORD_PATCHES"] != nil))
  func recordJoined() throws {
    if Folder.fileExists(Self.joinedPath) { return }
    var options = ExportOptions(codec: .deflate)
    options.joinsStreams = true
    _ = try PatchExporter.export(
      base: side("v1-kinds", "base"), tuned: side("v1-kinds", "tuned"), files: [Self.file],
      provenance: Provenance(note: "golden"), options: options, to: Self.joinedPath)
  }

  @Test("the golden patch of joined streams goes both ways")
  func joined() throws {
    #expect(try SafetensorsFile(path: Self.joinedPath).metadata["version"] == "3")
    let patch = try PatchFile(path: Self.joinedPath)
    let result = try PatchVerifier.verify(
      patch, base: side("v1-kinds", "base"), tuned: side("v1-kinds", "tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    #expect(Set(patch.header.entries.map(\.kind)) == Self.pairs["v1-kinds"])
    let file = try patch.contents(of: try #require(patch.header.files.first))
    #expect(file.before == Self.file.before && file.after == Self.file.after)
  }

  private static let densityPath = Fixtures.path("patches/v1/density.ctkpatch")

  /// The pair of `formats/context.md` section 12.5.
  private func agreeing() throws -> (base: TensorCollection, tuned: TensorCollection) {
    var (base, tuned) = (TensorCollection(), TensorCollection())
    let places = Set(ContextExampleTests.agreeingPlaces)
    let bytes = (0..<4096).map { UInt8(places.contains($0) ? 1 : 0) }
    try base.set("w", dtype: .u8, shape: [64, 64], bytes: [UInt8](repeating: 0, count: 4096))
    try tuned.set("w", dtype: .u8, shape: [64, 64], bytes: bytes)
    return (base, tuned)
  }

  @Test(
    "a golden patch of densities is recorded",
    .enabled(if: environment["CTK_RECORD_PATCHES"] != nil))
  func recordDensities() throws {
    if Folder.fileExists(Self.densityPath) { return }
    let (base, tuned) = try agreeing()
    _ = try PatchExporter.export(
      base: base, tuned: tuned, provenance: Provenance(note: "golden"),
      options: ExportOptions(codec: .context), to: Self.densityPath)
  }

  @Test("the golden patch of densities goes both ways")
  func densities() throws {
    let (base, tuned) = try agreeing()
    let patch = try PatchFile(path: Self.densityPath)
    #expect(patch.header.entries.map(\.codec) == [.context])
    let result = try PatchVerifier.verify(patch, base: base, tuned: tuned)
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
  }

  private func record(_ options: ExportOptions, _ name: String) throws {
    let path = path("v1", name + ".ctkpatch")
    if Folder.fileExists(path) { return }
    _ = try PatchExporter.export(
      base: weight("base"), tuned: weight("tuned"), provenance: Provenance(note: "golden"),
      options: options, to: path)
  }

  @Test(
    "golden rounded patches apply, and their errors are those they name", arguments: roundings)
  func rounded(rounding: Rounding) throws {
    let patch = try PatchFile(path: path("v1", "\(rounding).ctkpatch"))
    let result = try PatchVerifier.verify(
      patch, base: weight("base"), unrounded: weight("tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    #expect(patch.header.rounding?.rounding == rounding)
  }

  @Test("a golden patch that tells last bits only once goes both ways")
  func shared() throws {
    let patch = try PatchFile(path: path("v1", "shared.ctkpatch"))
    let result = try PatchVerifier.verify(
      patch, base: weight("base"), tuned: weight("tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
  }

  @Test(
    "golden patches that refer to a mask go both ways",
    arguments: ["v1/masked-deflate", "v1/masked-context", "v2/masked-deflate"])
  func masked(name: String) throws {
    let path = Fixtures.path("patches/\(name).ctkpatch")
    let patch = try PatchFile(path: path, masks: [try ParameterMask(path: Self.maskPath)])
    let result = try PatchVerifier.verify(
      patch, base: weight("base"), tuned: weight("tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    #expect(throws: PatchError.self) { try PatchVerifier.verify(try PatchFile(path: path)) }
  }

  @Test(
    "every golden patch goes both ways", arguments: pairs.keys.sorted(), ["deflate", "context"])
  func bothWays(pair: String, codec: String) throws {
    let patch = try PatchFile(path: path(pair, codec + ".ctkpatch"))
    let result = try PatchVerifier.verify(
      patch, base: side(pair, "base"), tuned: side(pair, "tuned"))
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    #expect(Set(patch.header.entries.map(\.kind)) == Self.pairs[pair])
    #expect(
      patch.header.entries.allSatisfy { $0.kind == .alias || $0.codec.rawValue == codec })
  }

  /// A Python with numpy, which the reader in `formats/python` needs.
  private static let python: String? = {
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/python3"
      guard FileManager.default.isExecutableFile(atPath: path) else { continue }
      if (try? Program.run(path, ["-c", "import numpy"]))?.status == 0 { return path }
    }
    return nil
  }()

  @Test("the Python reader passes its own tests on them", .enabled(if: python != nil))
  func pythonReader() throws {
    let script = Fixtures.root + "/../formats/python/test_ctkpatch.py"
    let result = try Program.run(try #require(Self.python), [script])
    #expect(result.status == 0, "\(result.output)")
  }
}
