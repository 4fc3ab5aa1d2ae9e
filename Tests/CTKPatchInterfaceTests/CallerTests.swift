import CTKCore
import CTKPatch
import CTKPatchCaller
import CTKPatchHeader
import CTKPatchInterface
import CTKSafetensors
import CTKTestSupport
import Testing

/// Tensors of a model in memory of their own, as C sees them.
private final class OwnedTensors {
  private var allocations: [UnsafeMutableRawPointer] = []
  private(set) var tensors: [String: ctkpatch_tensor] = [:]

  init(_ source: any TensorSource) throws {
    for info in source.tensors {
      let data = allocate(info.byteCount, alignment: 64)
      try source.withTensorBytes(info.name) {
        UnsafeMutableRawBufferPointer(start: data, count: info.byteCount).copyMemory(from: $0)
      }
      let shape = allocate(8 * info.shape.count, alignment: 8).bindMemory(
        to: Int64.self, capacity: info.shape.count)
      for (axis, extent) in info.shape.enumerated() { shape[axis] = Int64(extent) }
      tensors[info.name] = ctkpatch_tensor(
        name: text(info.name), dtype: text(info.dtype.rawValue), shape: shape,
        rank: info.shape.count, data: data, byte_count: info.byteCount)
    }
  }

  deinit { for allocation in allocations { allocation.deallocate() } }

  private func allocate(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: count + 1, alignment: alignment)
    allocations.append(bytes)
    return bytes
  }

  private func text(_ string: String) -> UnsafePointer<CChar> {
    let units = Array(string.utf8CString)
    let bytes = allocate(units.count, alignment: 1).bindMemory(
      to: CChar.self, capacity: units.count)
    for (index, unit) in units.enumerated() { bytes[index] = unit }
    return UnsafePointer(bytes)
  }
}

@Suite("The C interface", .tags(.format))
struct CallerTests {
  private static let golden = Fixtures.path("patches/v1")

  private func check(
    _ patch: String, _ base: any TensorSource, _ tuned: any TensorSource
  ) throws {
    let (before, after) = (try OwnedTensors(base), try OwnedTensors(tuned))
    let names = Set(before.tensors.keys).union(after.tensors.keys).sorted()
    let pairs = names.map {
      caller_pair(
        before: before.tensors[$0] ?? ctkpatch_tensor(),
        after: after.tensors[$0] ?? ctkpatch_tensor())
    }
    let complaint = withExtendedLifetime((before, after)) {
      caller_check(patch, pairs, pairs.count).map { String(cString: $0) }
    }
    #expect(complaint == nil)
  }

  @Test(
    "a program in C uses every function on the golden patches", arguments: ["deflate", "context"])
  func golden(name: String) throws {
    try check(
      "\(Self.golden)/\(name).ctkpatch", SafetensorsFile(path: Self.golden + "/base.safetensors"),
      SafetensorsFile(path: Self.golden + "/tuned.safetensors"))
  }

  @Test("tensors of all kinds and widths", arguments: 0..<3)
  func kinds(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var (base, tuned) = (TensorCollection(), TensorCollection())
    let dtypes: [DType] = [.f32, .bf16, .u8, .f64]
    for (index, dtype) in dtypes.enumerated() {
      let info = try TensorInfo(name: "t\(index)", dtype: dtype, shape: [50, 41])
      var bytes = (0..<info.byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      try base.set(info.name, dtype: dtype, shape: info.shape, bytes: bytes)
      for _ in 0..<200 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      try tuned.set(info.name, dtype: dtype, shape: info.shape, bytes: bytes)
      // Tied weights are aliases in the patch.
      try base.set(
        "z.tied\(index)", dtype: dtype, shape: info.shape,
        bytes: Array(
          try base.withTensorBytes(info.name) { Array($0) }))
      try tuned.set("z.tied\(index)", dtype: dtype, shape: info.shape, bytes: bytes)
    }
    try tuned.set("v.head", shape: [2, 3], floats: random.floats(6))
    try base.set("w.gone", shape: [3], floats: random.floats(3))
    try base.set("x.grown", shape: [2, 4], floats: random.floats(8))
    try tuned.set("x.grown", shape: [5, 4], floats: random.floats(20))
    try base.set("y.other", shape: [2, 4], floats: random.floats(8))
    try tuned.set("y.other", dtype: .u8, shape: [3], bytes: [1, 2, 3])
    let folder = TemporaryFolder()
    let path = folder.file("p.ctkpatch")
    _ = try PatchExporter.export(base: base, tuned: tuned, to: path)
    try check(path, base, tuned)
  }
}
