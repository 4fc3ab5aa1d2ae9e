import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Positions by the density of their places", .tags(.format))
struct ContextDensityTests {
  private static let form: UInt8 = 4

  private func form(_ bytes: [UInt8]) -> UInt8 { bytes[0] & 7 }

  @Test(
    "a child where row and column agree returns from either side",
    arguments: [(40, 30), (300, 200)], [0, 5, 777])
  func exact(shape: (rows: Int, width: Int), first: Int) throws {
    for seed: UInt64 in 0..<3 {
      let sample = BlockSample(
        rows: shape.rows, width: shape.width, first: first, seed: seed,
        strange: seed == 2 ? 0.01 : 0, byProduct: true)
      let bytes = sample.encoded()
      #expect(form(bytes) == Self.form)
      for isTarget in [false, true] {
        #expect(sample.isExact(try sample.decoded(bytes, isTarget: isTarget)))
      }
    }
  }

  @Test("lines without a coded unit are passed over")
  func emptyLines() throws {
    var sample = BlockSample(rows: 90, width: 70, seed: 1, byProduct: true)
    var tuned = sample.tuned
    for unit in tuned.indices where unit / 70 % 3 == 1 || unit % 70 < 9 {
      tuned[unit] = sample.base[unit]
    }
    sample = BlockSample(width: 70, base: sample.base, tuned: tuned)
    let bytes = sample.encoded()
    #expect(form(bytes) == Self.form)
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: true)))
  }

  /// Bits of the positions of a tensor of bytes, in those of a uniform mask.
  private func share(_ isSet: (_ row: Int, _ column: Int) -> Bool) throws -> Double {
    let folder = TemporaryFolder()
    let (rows, width) = (300, 200)
    let base = [UInt8](repeating: 0, count: rows * width)
    let tuned = base.indices.map { UInt8(isSet($0 / width, $0 % width) ? 1 : 0) }
    var (before, after) = (TensorCollection(), TensorCollection())
    try before.set("t", dtype: .u8, shape: [rows, width], bytes: base)
    try after.set("t", dtype: .u8, shape: [rows, width], bytes: tuned)
    let path = folder.file("mask.ctkpatch")
    _ = try PatchExporter.export(
      base: before, tuned: after, options: ExportOptions(codec: .context), to: path)
    let row = try PatchInspector.inspect(try PatchFile(path: path)).rows[0]
    return 8 * Double(row.indexByteCount) / row.boundBits
  }

  @Test("what rows and columns have in common costs next to nothing")
  func products() throws {
    var random = SeededGenerator(seed: 6)
    let (row, column) = (random.floats(300), random.floats(200))
    // Classes of rows and columns tell nothing of this one.
    #expect(try share { row[$0] * column[$1] > 0.02 } < 0.15)
    let (other, second) = (random.floats(300), random.floats(200))
    #expect(try share { row[$0] * column[$1] + other[$0] * second[$1] > 0.2 } < 0.35)
  }

  @Test("what is noise costs its entropy")
  func noise() throws {
    var random = SeededGenerator(seed: 7)
    let noise = random.floats(300 * 200)
    let found = try share { noise[200 * $0 + $1] > 0.3 }
    #expect(found < 1.02 && found > 0.98, "\(found)")
  }
}

@Suite("Hostile heads of densities", .tags(.hostile))
struct ContextDensityDamageTests {
  /// Where fields lie in the example of `formats/context.md` section 12.5.
  private enum Offset {
    static let rowStep = 5
    static let columnStep = 6
  }

  private func decode(_ bytes: [UInt8]) throws -> PatchBlock {
    try bytes.withUnsafeBytes {
      try ContextBlockDecoder($0, units: 0..<4096, unit: CodingUnit(.u8)).block(nil)
    }
  }

  @Test("steps out of range are refused", arguments: [Offset.rowStep, Offset.columnStep])
  func steps(offset: Int) throws {
    var bytes = try ContextExampleTests.documentBytes(4)
    for step: UInt8 in [0, 65, 255] {
      bytes[offset] = step
      #expect(throws: StreamFault.self) { try decode(bytes) }
    }
  }

  /// The head of a block of 2^22 units, of so many columns and factors, with one state.
  private func head(width: [UInt8], factors: UInt8) -> [UInt8] {
    let tables: [UInt8] = factors > 0 ? [1, 0, 1, 0] : []
    let shifts = [UInt8](repeating: 0, count: Int(factors))
    return [4, 0] + width + [1, 1, 1, 1, 0, 1, 0, factors] + shifts + tables
      + [0, 1, 0xF8, 0x01] + [0, 0, 0, 0x80, 0, 0, 0, 0]
  }

  private func read(_ bytes: [UInt8]) throws {
    _ = try bytes.withUnsafeBytes {
      try ContextBlockDecoder($0, units: 0..<1 << 22, unit: CodingUnit(.u8)).headByteCount
    }
  }

  @Test("more numbers of factors than a block may have are refused before they are read")
  func factorNumbers() throws {
    // One column makes 2^22 rows; 2048 make as many rows.
    try read(head(width: [1], factors: 0))
    #expect(throws: StreamFault.self) { try read(head(width: [1], factors: 1)) }
    try read(head(width: [0x80, 0x10], factors: 16))
    #expect(throws: StreamFault.self) { try read(head(width: [0x80, 0x10], factors: 17)) }
  }

  @Test("no byte of the head makes a reader crash or take another for the same")
  func everyByte() throws {
    let bytes = try ContextExampleTests.documentBytes(4)
    let expected = try decode(bytes)
    for position in 2..<65 {
      for value in UInt8.min...UInt8.max where value != bytes[position] {
        var damaged = bytes
        damaged[position] = value
        guard let block = try? decode(damaged) else { continue }
        #expect(block.positions != expected.positions || position > Offset.columnStep)
      }
    }
  }
}
