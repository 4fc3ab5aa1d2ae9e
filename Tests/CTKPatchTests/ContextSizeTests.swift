import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// What the codec context spends, against what it must not exceed.
@Suite("Sizes of the codec context", .tags(.format))
struct ContextSizeTests {
  private let folder = TemporaryFolder()

  private func report(
    _ dtype: DType, _ shape: [Int], _ base: [UInt8], _ tuned: [UInt8],
    codec: CodecChoice = .context
  ) throws -> PatchReport {
    var (before, after) = (TensorCollection(), TensorCollection())
    try before.set("t", dtype: dtype, shape: shape, bytes: base)
    try after.set("t", dtype: dtype, shape: shape, bytes: tuned)
    let path = folder.file("\(codec).ctkpatch")
    _ = try PatchExporter.export(
      base: before, tuned: after, options: ExportOptions(codec: codec), to: path,
      replacesExisting: true)
    return try PatchInspector.inspect(try PatchFile(path: path))
  }

  @Test(
    "positions of a uniform mask cost at most two in a hundred more than their entropy",
    arguments: [0.001, 0.01, 0.1, 0.3])
  func uniformMask(share: Double) throws {
    var random = SeededGenerator(seed: 8)
    let base = [UInt8](repeating: 0, count: 1 << 21)
    let tuned = base.map { _ in UInt8(Double(random.next() >> 11) < share * 0x1p53 ? 1 : 0) }
    let row = try report(.u8, [2048, 1024], base, tuned).rows[0]
    // Every change is the same here; a block may code them as values with zeros between.
    let bits = 8 * Double(row.indexByteCount + row.valueByteCount)
    #expect(bits < 1.02 * row.boundBits, "\(bits / row.boundBits)")
    #expect(bits > 0.98 * row.boundBits)
  }

  @Test("steps of one or two units of the last place cost at most 3.2 bits")
  func smallSteps() throws {
    var random = SeededGenerator(seed: 9)
    let weights = random.floats(1 << 18).map {
      UInt16(truncatingIfNeeded: ($0 * 0.04).bitPattern >> 16)
    }
    let moved = weights.map { weight -> UInt16 in
      let word = random.next()
      if word % 10 != 0 { return weight }
      let step: UInt16 = word >> 8 & 7 == 0 ? 2 : 1
      return word >> 16 & 1 == 0 ? weight &+ step : weight &- step
    }
    let row = try report(
      .bf16, [512, 512], weights.withUnsafeBytes { Array($0) }, moved.withUnsafeBytes { Array($0) }
    ).rows[0]
    let bits = 8 * Double(row.valueByteCount) / Double(row.entry.changes)
    #expect(bits < 3.2, "\(bits)")
  }

  @Test("the codec auto takes the smaller one")
  func automatic() throws {
    var random = SeededGenerator(seed: 10)
    let zeros = [UInt8](repeating: 0, count: 40_000)
    var pattern = zeros
    for unit in stride(from: 0, to: pattern.count, by: 10) { pattern[unit] = 7 }
    let noise = zeros.map { _ in UInt8(truncatingIfNeeded: random.next() % 5) }
    for tuned in [pattern, noise] {
      var sizes: [CodecChoice: Int] = [:]
      for codec in CodecChoice.allCases {
        let row = try report(.u8, [200, 200], zeros, tuned, codec: codec).rows[0]
        sizes[codec] = row.indexByteCount + row.valueByteCount
      }
      #expect(sizes[.auto] == min(sizes[.deflate] ?? 0, sizes[.context] ?? 0), "\(sizes)")
    }
  }

  @Test("a whole tensor of one value stays plausible to readers")
  func constantTensor() throws {
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("other", shape: [1], floats: [1])
    try tuned.set("other", shape: [1], floats: [1])
    let bytes = [UInt8](repeating: 0, count: 1 << 20)
    try tuned.set("zeros", dtype: .f32, shape: [512, 512], bytes: bytes)
    for codec in CodecChoice.allCases {
      let path = folder.file("zeros-\(codec)")
      _ = try PatchExporter.export(
        base: base, tuned: tuned, options: ExportOptions(codec: codec), to: path)
      #expect(try PatchFile(path: path).addedTensor(named: "zeros") == bytes)
    }
  }
}
