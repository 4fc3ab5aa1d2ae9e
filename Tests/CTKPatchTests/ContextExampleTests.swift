import CTKCore
import CTKPatch
import CTKTestSupport
import Foundation
import Testing

/// The hex dumps in `formats/context.md` section 12.
@Suite("The worked examples of the codec context", .tags(.format))
struct ContextExampleTests {
  static func documentBytes(_ example: Int) throws -> [UInt8] {
    let path = URL(filePath: Fixtures.root).appending(path: "../formats/context.md")
    let text = try String(contentsOf: path, encoding: .utf8)
    let blocks = text.components(separatedBy: "```hex\n").dropFirst()
    let block = try #require(blocks.dropFirst(example).first)
    let lines = try #require(block.components(separatedBy: "```").first)
    return lines.split(separator: "\n").flatMap { line in
      line.split(separator: " ").dropFirst().compactMap { UInt8($0, radix: 16) }
    }
  }

  @Test("the small block holds what the text says, and the writer writes it")
  func small() throws {
    let bytes = try Self.documentBytes(0)
    let (unit, differences): (CodingUnit, [UInt8]) = (CodingUnit(.u8), [1, 255, 20])
    let block = try bytes.withUnsafeBytes {
      try ContextBlockDecoder($0, units: 0..<16, unit: unit).block(nil)
    }
    #expect(block.positions == [3, 9, 14])
    #expect(block.differences == differences)
    let encoder = ContextBlockEncoder()
    let written = differences.withUnsafeBufferPointer {
      encoder.encode(
        BlockPlace(units: 0..<16, unit: unit, width: 8), positions: [3, 9, 14], differences: $0,
        source: nil)
    }
    #expect(written == bytes)
  }

  @Test("real values hold what the text says, from both sides")
  func real() throws {
    let bytes = try Self.documentBytes(1)
    let sample = Self.realSample
    #expect(try sample.needsSource(bytes))
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: false)))
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: true)))
  }

  @Test("shared last bits hold what the text says, from both sides, and the writer writes them")
  func shared() throws {
    let bytes = try Self.documentBytes(3)
    let sample = Self.sharedSample
    #expect([sample.base[0], sample.tuned[0]] == [0x3b00_0000, 0xbc50_0000])
    #expect(try sample.needsSource(bytes))
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: false)))
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: true)))
    #expect(sample.encoded() == bytes)
  }

  @Test("rounded values hold what the text says, from both sides, and the writer writes them")
  func rounded() throws {
    let bytes = try Self.documentBytes(2)
    let (base, tuned) = Self.sides
    var target = base
    let rounding = base.withUnsafeBytes { base in
      tuned.withUnsafeBytes { tuned in
        target.withUnsafeMutableBytes {
          TensorRounding(
            .int4, step: ChangeSpread(base: base, tuned: tuned, rowUnits: 20).step(bits: 4),
            base: base, tuned: tuned, target: $0, rowUnits: 20)
        }
      }
    }
    #expect([target[0], target[1], target[3]] == [0xbd19c000, 0xbce68000, 0xbc1f0000])
    #expect(rounding.error.worst == 5.340576171875e-05)
    let sample = BlockSample(width: 20, base: base, tuned: target)
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: false)))
    #expect(sample.isExact(try sample.decoded(bytes, isTarget: true)))
    #expect(sample.encoded(rounding: rounding.block(sample.place)) == bytes)
  }

  @Test("densities hold what the text says, and the writer writes them")
  func density() throws {
    let bytes = try Self.documentBytes(4)
    let unit = CodingUnit(.u8)
    let positions = Self.agreeingPlaces
    let block = try bytes.withUnsafeBytes {
      try ContextBlockDecoder($0, units: 0..<4096, unit: unit).block(nil)
    }
    let ones = [UInt8](repeating: 1, count: positions.count)
    #expect(block.positions == positions)
    #expect(block.differences == ones)
    let written = ones.withUnsafeBufferPointer {
      ContextBlockEncoder().encode(
        BlockPlace(units: 0..<4096, unit: unit, width: 64), positions: positions,
        differences: $0, source: nil)
    }
    #expect(written == bytes)
  }

  /// Places of 64 rows and columns where a number of each has one sign.
  static var agreeingPlaces: [UInt32] {
    (0..<4096).filter {
      let (i, j) = (Int($0) / 64, Int($0) % 64)
      return ((7 * i * i + 3 * i) % 31 - 15) * ((5 * j * j + j) % 29 - 14) > 40
    }
  }

  static var realSample: BlockSample {
    let (base, tuned) = sides
    return BlockSample(width: 20, base: base, tuned: tuned)
  }

  private static var sharedSample: BlockSample {
    var (base, tuned) = ([UInt32](), [UInt32]())
    for i in 0..<8 {
      for j in 0..<10 {
        let unit = UInt32(10 * i + j)
        let bits = 0x3b00_0000 + unit &* 0x9e3779 % (1 << 25) + (unit % 2) << 31
        let weight = Float(bitPattern: bits)
        let change = (Float((3 * i + 11 * j) % 16) - 7.5) / 512
        base.append(bits)
        tuned.append((i % 3 != 1 && j % 4 != 2 ? weight + change : weight).bitPattern)
      }
    }
    return BlockSample(width: 10, base: base, tuned: tuned)
  }

  private static var sides: (base: [UInt32], tuned: [UInt32]) {
    var (base, tuned) = ([UInt32](), [UInt32]())
    for i in 0..<24 {
      for j in 0..<20 {
        let weight = Float((7 * i + 5 * j) % 41 - 20) / 512 + 1 / 8192
        let change =
          Float((i % 5 - 2) * (j % 7 - 3)) / 4096
          + (Float((3 * i + 11 * j) % 16) - 7.5) / 65536
        base.append(weight.bitPattern)
        tuned.append((i % 3 != 1 && j % 4 != 2 ? weight + change : weight).bitPattern)
      }
    }
    return (base, tuned)
  }
}
