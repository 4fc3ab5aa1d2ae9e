import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// A block whose changes were rounded.
struct RoundedSample {
  let original: BlockSample
  let sample: BlockSample
  let rounding: TensorRounding

  init(_ form: Rounding, _ original: BlockSample, step: Double? = nil) {
    self.original = original
    var target = original.base
    rounding = original.base.withUnsafeBytes { base in
      original.tuned.withUnsafeBytes { tuned in
        target.withUnsafeMutableBytes {
          TensorRounding(
            form, step: step ?? Self.step(form, base, tuned, original.width), base: base,
            tuned: tuned, target: $0, rowUnits: original.width)
        }
      }
    }
    sample = BlockSample(
      width: original.width, first: original.first, base: original.base, tuned: target)
  }

  private static func step(
    _ form: Rounding, _ base: UnsafeRawBufferPointer, _ tuned: UnsafeRawBufferPointer,
    _ width: Int
  ) -> Double {
    form.changeBits.map {
      ChangeSpread(base: base, tuned: tuned, rowUnits: width).step(bits: $0)
    } ?? 0
  }

  func encoded() -> [UInt8] { sample.encoded(rounding: rounding.block(sample.place)) }

  /// Largest error and largest change of the units that are plain numbers.
  var largest: (error: Double, change: Double) {
    var (error, change) = (0.0, 0.0)
    for unit in original.base.indices {
      let (before, after, made) = (
        Double(Float(bitPattern: original.base[unit])),
        Double(Float(bitPattern: original.tuned[unit])),
        Double(Float(bitPattern: sample.tuned[unit]))
      )
      guard (made - after).isFinite else { continue }
      error = max(error, abs(made - after))
      change = max(change, abs(after - before))
    }
    return (error, change)
  }
}

@Suite("Rounded changes", .tags(.format))
struct RoundingTests {
  private static let forms: [Rounding] = [.bf16, .int8, .int4]

  @Test(
    "a rounded block returns from either side, whatever its bits", arguments: forms,
    [0, 0.001, 0.2, 1])
  func exact(form: Rounding, strange: Double) throws {
    for (seed, shape) in [(8, 16), (60, 97), (300, 200), (1, 500)].enumerated() {
      let original = BlockSample(
        rows: shape.0, width: shape.1, seed: UInt64(seed), strange: strange)
      let rounded = RoundedSample(form, original)
      let positions = rounded.sample.positions
      if positions.isEmpty { continue }
      let bytes = rounded.encoded()
      for isTarget in [false, true] {
        #expect(rounded.sample.isExact(try rounded.sample.decoded(bytes, isTarget: isTarget)))
      }
      // Units that did not change stay, and nothing else does.
      for unit in original.base.indices where original.base[unit] == original.tuned[unit] {
        #expect(rounded.sample.tuned[unit] == original.base[unit])
      }
    }
  }

  @Test(
    "rounding costs what its bits say, and errs as much",
    arguments: [
      (Rounding.bf16, 12.5, 1.0 / 256), (.int8, 9.2, 1.0 / 60), (.int4, 5.2, 0.35),
    ])
  func size(form: Rounding, bits: Double, share: Double) throws {
    let rounded = RoundedSample(form, BlockSample(rows: 300, width: 200, seed: 1))
    let spent = 8 * Double(rounded.encoded().count) / Double(rounded.sample.positions.count)
    #expect(spent < bits, "\(spent) bits a change")
    let (error, change) = rounded.largest
    #expect(error > 0 && error <= share * change, "\(error) of \(change)")
    #expect(rounded.rounding.error.worst == error)
    #expect(rounded.rounding.error.mean < error)
  }

  @Test("a rounded model that is rounded again stays as it is", arguments: forms)
  func idempotent(form: Rounding) {
    // Powers of two as changes are levels of no step, but short numbers.
    let once = RoundedSample(form, BlockSample(rows: 40, width: 50, seed: 6))
    let twice = RoundedSample(form, once.sample)
    if form == .bf16 {
      #expect(once.largest.error > 0)
      #expect(twice.rounding.error.worst <= once.rounding.error.worst / 100)
    }
    #expect(twice.rounding.error.mean <= once.rounding.error.mean)
  }

  @Test("rows that do not fit a block are coded without their steps")
  func otherRows() throws {
    let rounded = RoundedSample(.int8, BlockSample(rows: 30, width: 20, seed: 3))
    let unit = CodingUnit(.f32)
    #expect(rounded.rounding.block(BlockPlace(units: 0..<600, unit: unit, width: 20)) != nil)
    #expect(rounded.rounding.block(BlockPlace(units: 16..<32, unit: unit, width: 16)) == nil)
    #expect(rounded.rounding.block(BlockPlace(units: 7..<45, unit: unit, width: 20)) != nil)
  }

  @Test("zero bases, tiny, huge and single changes", arguments: forms)
  func extremes(form: Rounding) throws {
    let values: [(Float, Float)] = [
      (0, 1e-30), (0, 3e38), (0x1p-149, 0x1p-148), (1, 1.0000001), (-0x1p-130, 0x1p-131),
      (3e38, -3e38),
      (0.1, .infinity), (.nan, 1), (-0.0, 0.5), (0.5, -0.0), (1e20, 1e-20),
    ]
    for (index, pair) in values.enumerated() {
      let base = values.map { $0.0.bitPattern }
      var tuned = base
      tuned[index] = pair.1.bitPattern
      if index % 2 == 0 { tuned[values.count - 1] = values[values.count - 1].1.bitPattern }
      let rounded = RoundedSample(form, BlockSample(width: base.count, base: base, tuned: tuned))
      if rounded.sample.positions.isEmpty { continue }
      let bytes = rounded.encoded()
      for isTarget in [false, true] {
        #expect(rounded.sample.isExact(try rounded.sample.decoded(bytes, isTarget: isTarget)))
      }
    }
  }
}

@Suite("Blocks whose positions are those of a mask", .tags(.format))
struct MaskedBlockTests {
  @Test("values alone are coded, and the mask is needed", arguments: [false, true])
  func values(isSourced: Bool) throws {
    let sample = BlockSample(rows: 60, width: 97, seed: 5)
    let bytes = sample.encoded(withSource: isSourced, isMasked: true)
    #expect(bytes.count < sample.encoded(withSource: isSourced).count)
    for isTarget in [false, true] {
      let block = try sample.decoded(bytes, isTarget: isTarget, mask: sample.positions)
      #expect(sample.isExact(block))
    }
    #expect(throws: StreamFault.self) { try sample.decoded(bytes, isTarget: false) }
    #expect(throws: StreamFault.self) {
      try sample.decoded(bytes, isTarget: false, mask: Array(sample.positions.dropLast()))
    }
  }
}
