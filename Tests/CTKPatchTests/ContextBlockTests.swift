import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// One block of `F32` units, before and after.
struct BlockSample {
  let width: Int
  let first: Int
  let base: [UInt32]
  let tuned: [UInt32]

  private static let unit = CodingUnit(.f32)
  private static let specials: [UInt32] = [
    0, 0x8000_0000, 1, 0x007F_FFFF, 0x8080_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0001,
    0xFFC0_1234, 0x7F7F_FFFF, 0x3F80_0000, 0xBF80_0000,
  ]

  /// Weights of which a child of some rows and columns is trained: its changes are a
  /// product of row and column numbers with some noise.
  ///
  /// - Parameters:
  ///   - strange: share of units that are replaced by special bit patterns.
  ///   - byProduct: whether the child is where numbers of row and column have one sign.
  init(
    rows: Int, width: Int, first: Int = 0, seed: UInt64, strange: Double = 0,
    byProduct: Bool = false
  ) {
    var random = SeededGenerator(seed: seed)
    self.width = width
    self.first = first
    let count = rows * width
    let row = random.floats(rows + 1)
    let column = random.floats(width)
    let noise = random.floats(count)
    let weights = random.floats(count)
    var (base, tuned) = ([UInt32](), [UInt32]())
    for unit in 0..<count {
      let place = first % width + unit
      let weight = weights[unit] * 0.04
      let score = row[place / width] * row[place / width] * column[place % width].magnitude
      let isTrained =
        byProduct ? row[place / width] * column[place % width] > 0.05 : score > 0.5
      let change = 0.001 * (row[place / width] * column[place % width] + 0.1 * noise[unit])
      base.append(weight.bitPattern)
      tuned.append(isTrained ? (weight + change).bitPattern : weight.bitPattern)
      if Double(random.next() >> 11) < strange * 0x1p53 {
        base[unit] = Self.specials[Int(random.next() % UInt64(Self.specials.count))]
        tuned[unit] = Self.specials[Int(random.next() % UInt64(Self.specials.count))]
      }
    }
    (self.base, self.tuned) = (base, tuned)
  }

  init(width: Int, first: Int = 0, base: [UInt32], tuned: [UInt32]) {
    (self.width, self.first, self.base, self.tuned) = (width, first, base, tuned)
  }

  var place: BlockPlace {
    BlockPlace(units: first..<first + base.count, unit: Self.unit, width: width)
  }

  var positions: [UInt32] {
    base.indices.filter { base[$0] != tuned[$0] }.map { UInt32($0) }
  }

  var differences: [UInt32] {
    let ordered = OrderedInteger<UInt32>(isFloat: true)
    return positions.map { ordered.difference(from: base[Int($0)], to: tuned[Int($0)]) }
  }

  /// The block's bytes; without a source values are coded for themselves.
  func encoded(
    withSource: Bool = true, rounding: BlockRounding? = nil, isMasked: Bool = false
  ) -> [UInt8] {
    let encoder = ContextBlockEncoder()
    return positions.withUnsafeBufferPointer { positions in
      differences.withUnsafeBufferPointer { differences in
        base.withUnsafeBytes { base in
          encoder.encode(
            place, positions: positions.baseAddress, differences: differences,
            source: withSource ? base : nil, rounding: rounding, isMasked: isMasked)
        }
      }
    }
  }

  func decoded(
    _ bytes: [UInt8], isTarget: Bool, mask: [UInt32]? = nil
  ) throws -> PatchBlock {
    let side = isTarget ? tuned : base
    return try bytes.withUnsafeBytes { bytes in
      try side.withUnsafeBytes { side in
        try ContextBlockDecoder(bytes, units: first..<first + base.count, unit: Self.unit)
          .block(BlockSource(bytes: side, isTarget: isTarget), mask: mask)
      }
    }
  }

  func needsSource(_ bytes: [UInt8]) throws -> Bool {
    try bytes.withUnsafeBytes {
      try ContextBlockDecoder($0, units: first..<first + base.count, unit: Self.unit).needsSource
    }
  }

  func isExact(_ block: PatchBlock) -> Bool {
    let found = block.positions ?? (0..<UInt32(base.count)).map { $0 }
    return found == positions
      && block.differences == differences.withUnsafeBytes { Array($0) }
  }
}

@Suite("Blocks of the codec context", .tags(.format))
struct ContextBlockTests {
  @Test(
    "a block returns from either side", arguments: [0, 0.001, 0.2, 1],
    [(8, 16), (60, 97), (300, 200)])
  func exact(strange: Double, shape: (rows: Int, width: Int)) throws {
    for (seed, first) in [0, 5, shape.width * 3 + 1].enumerated() {
      let sample = BlockSample(
        rows: shape.rows, width: shape.width, first: first, seed: UInt64(seed), strange: strange)
      for withSource in [true, false] {
        let bytes = sample.encoded(withSource: withSource)
        for isTarget in [false, true] {
          #expect(sample.isExact(try sample.decoded(bytes, isTarget: isTarget)))
        }
      }
    }
  }

  @Test("trained weights cost less against the base, and say that they need it")
  func realNumbers() throws {
    let sample = BlockSample(rows: 300, width: 200, seed: 1)
    let (real, plain) = (sample.encoded(), sample.encoded(withSource: false))
    #expect(try sample.needsSource(real))
    #expect(try !sample.needsSource(plain))
    let saved = 8 * Double(plain.count - real.count) / Double(sample.positions.count)
    #expect(saved > 2, "\(saved) bits a change")
    #expect(throws: StreamFault.self) {
      try real.withUnsafeBytes {
        try ContextBlockDecoder($0, units: 0..<sample.base.count, unit: CodingUnit(.f32))
          .block(nil)
      }
    }
  }

  @Test("equal blocks give equal bytes on all threads at once")
  func deterministic() async throws {
    let sample = BlockSample(rows: 120, width: 90, seed: 4, strange: 0.01)
    let expected = sample.encoded()
    let found = await withTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<8 { group.addTask { sample.encoded() } }
      return await group.reduce(into: [[UInt8]]()) { $0.append($1) }
    }
    #expect(found.allSatisfy { $0 == expected })
  }

  @Test("an encoder's memory of one block does not reach the next")
  func reuse() throws {
    let encoder = ContextBlockEncoder()
    for (seed, rows) in [50, 3, 200, 1, 70].enumerated() {
      let sample = BlockSample(rows: rows, width: 40, seed: UInt64(seed), strange: 0.05)
      let positions = sample.positions
      let differences = sample.differences
      if positions.isEmpty { continue }
      let bytes = differences.withUnsafeBufferPointer { differences in
        sample.base.withUnsafeBytes {
          encoder.encode(
            sample.place, positions: positions, differences: differences, source: $0)
        }
      }
      #expect(bytes == sample.encoded())
    }
  }
}

@Suite("Damaged blocks of the codec context", .tags(.hostile))
struct ContextDamageTests {
  private let samples = [
    BlockSample(rows: 14, width: 23, seed: 2, strange: 0.02),
    BlockSample(rows: 60, width: 40, first: 11, seed: 3),
    BlockSample(rows: 40, width: 30, first: 7, seed: 5, byProduct: true),
  ]
  private let plain = BlockSample(rows: 14, width: 23, seed: 2)

  /// A block and the mask that it may refer to.
  private typealias Block = (sample: BlockSample, bytes: [UInt8], mask: [UInt32]?)

  /// Blocks of every form: gaps, grid, mask or density; ordered, top, real or rounded
  /// values.
  private func blocks() throws -> [Block] {
    let written = samples.flatMap { sample -> [Block] in
      // Rows share a step where the block begins with one.
      let forms: [Rounding] = sample.first == 0 ? [.bf16, .int8, .int4] : []
      let rounded = forms.map { form -> Block in
        // Beside special bit patterns the steps are finer than the weights' last places,
        // and not every bit of their numbers counts.
        let rounded = RoundedSample(form, form == .bf16 ? sample : plain)
        return (rounded.sample, rounded.encoded(), nil)
      }
      return rounded + [
        (sample, sample.encoded(), nil), (sample, sample.encoded(withSource: false), nil),
        (sample, sample.encoded(isMasked: true), sample.positions),
      ]
    }
    // The writer does not write real values that tell the last bits of each change.
    let real = ContextExampleTests.realSample
    return written + [(real, try ContextExampleTests.documentBytes(1), nil)]
  }

  @Test("every truncation is refused")
  func truncations() throws {
    for (sample, bytes, mask) in try blocks() {
      for count in bytes.indices {
        #expect(throws: StreamFault.self) {
          try sample.decoded(Array(bytes[..<count]), isTarget: false, mask: mask)
        }
      }
    }
  }

  @Test("a flipped byte is refused or changes what is decoded")
  func flips() throws {
    for (sample, bytes, mask) in try blocks() {
      let headByteCount = try bytes.withUnsafeBytes {
        try ContextBlockDecoder($0, units: sample.place.units, unit: sample.place.unit)
          .headByteCount
      }
      for position in bytes.indices {
        for flip: UInt8 in [0x01, 0x80, 0xFF] {
          var damaged = bytes
          damaged[position] ^= flip
          let block = try? sample.decoded(
            damaged, isTarget: position % 2 == 1, mask: mask)
          // Tables may describe symbols that do not occur, and have bits of padding;
          // every bit of the coded words counts.
          if let block, sample.isExact(block) {
            #expect(position < headByteCount, "byte \(position) ^ \(flip)")
          }
        }
      }
    }
  }

  @Test("random bytes behind a valid head never crash", arguments: 0..<8)
  func noise(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    for (sample, bytes, mask) in try blocks() {
      for _ in 0..<200 {
        var damaged = bytes
        for _ in 0..<1 + random.next() % 6 {
          let position = Int(random.next() % UInt64(random.next() % 2 == 0 ? 40 : bytes.count))
          damaged[position] = UInt8(truncatingIfNeeded: random.next())
        }
        if random.next() % 3 == 0 { damaged.removeLast(Int(random.next() % 64)) }
        _ = try? sample.decoded(damaged, isTarget: random.next() % 2 == 0, mask: mask)
      }
    }
  }
}
