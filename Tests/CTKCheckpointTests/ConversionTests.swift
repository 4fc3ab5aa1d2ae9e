import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("Conversions", .tags(.numeric))
struct ConversionTests {
  @Test(
    "Transposing twice, and element by element",
    arguments: [(1, 1), (1, 70), (33, 2), (32, 32), (65, 97)], [2, 4, 8])
  func transpose(_ extents: (Int, Int), width: Int) {
    let (rows, columns) = extents
    var generator = SeededGenerator(seed: 11)
    // One byte in front makes the source unaligned.
    let bytes = (0...rows * columns * width).map { _ in UInt8.random(in: 0...255, using: &generator)
    }
    var result = [UInt8](repeating: 0, count: bytes.count - 1)
    bytes.withUnsafeBytes { source in
      result.withUnsafeMutableBytes { target in
        MatrixTranspose.transpose(
          UnsafeRawBufferPointer(rebasing: source.dropFirst()), rows: rows, columns: columns,
          to: target)
      }
    }
    let elements = bytes.dropFirst()
    for row in 0..<rows {
      for column in 0..<columns {
        let from = elements.startIndex + (row * columns + column) * width
        let to = (column * rows + row) * width
        #expect(result[to..<to + width].elementsEqual(elements[from..<from + width]))
      }
    }
  }

  @Test("f32 to f16 and back is what the processor does")
  func halfFloats() {
    let values = Self.values.map(Float.init)
    let halves: [UInt16] = cast(values, .f32, .f16)
    #expect(halves == values.map { Float16($0).bitPattern })
    let widened: [Float] = cast(halves, .f16, .f32)
    #expect(widened == halves.map { Float(Float16(bitPattern: $0)) })
  }

  @Test("f64 rounds once")
  func doubleRoundsOnce() {
    let halves: [UInt16] = cast(Self.values, .f64, .f16)
    #expect(halves == Self.values.map { Float16($0).bitPattern })
    let singles: [Float] = cast(Self.values, .f64, .f32)
    #expect(singles == Self.values.map { Float($0) })
  }

  @Test("bf16 is the nearest, ties to even", arguments: [DType.f64, .f32])
  func brainFloats(_ source: DType) {
    let results: [UInt16] =
      source == .f64
      ? cast(Self.values, .f64, .bf16) : cast(Self.values.map(Float.init), .f32, .bf16)
    for (value, result) in zip(Self.values, results) {
      let exact = source == .f64 ? value : Double(Float(value))
      #expect(result == Self.nearestBrainFloat(exact), "\(value)")
    }
  }

  @Test("Values that become infinite are counted")
  func overflow() {
    #expect(overflowCount([65519, 65520, -1e9, 1, .infinity] as [Float], .f32, .f16) == 2)
    #expect(overflowCount([3.4e38, -3.4e38, 1] as [Float], .f32, .bf16) == 2)
    #expect(overflowCount([1e39, 3.4e38, -.infinity] as [Double], .f64, .f32) == 1)
    #expect(overflowCount([1e39, 1] as [Double], .f64, .f16) == 1)
  }

  @Test("NaN and infinities are found and counted", arguments: [0, 1, 4095, 4096, 9000])
  func finiteScan(position: Int) {
    var singles = [Float](repeating: .greatestFiniteMagnitude, count: 9001)
    #expect(firstNonFinite(singles, .f32) == nil && counts(singles, .f32) == [0, 0])
    singles[9000] = .nan
    singles[position] = -.infinity
    #expect(firstNonFinite(singles, .f32) == position)
    #expect(counts(singles, .f32) == (position == 9000 ? [0, 1] : [1, 1]))
    var doubles = [Double](repeating: -1, count: 9001)
    doubles[position] = -.nan
    #expect(firstNonFinite(doubles, .f64) == position && counts(doubles, .f64) == [1, 0])
    for (dtype, bits, finite, expected) in [
      (DType.f16, 0xFC01 as UInt16, 0x7BFF as UInt16, [1, 0]), (.bf16, 0x7F80, 0xFF7F, [0, 1]),
    ] {
      var halves = [UInt16](repeating: finite, count: 9001)
      #expect(firstNonFinite(halves, dtype) == nil && counts(halves, dtype) == [0, 0])
      halves[position] = bits
      #expect(firstNonFinite(halves, dtype) == position && counts(halves, dtype) == expected)
    }
  }

  private func firstNonFinite<Element>(_ values: [Element], _ dtype: DType) -> Int? {
    values.withUnsafeBytes { FiniteScan.firstNonFinite($0, dtype) }
  }

  /// How many values are NaN, and how many infinite.
  private func counts<Element>(_ values: [Element], _ dtype: DType) -> [Int] {
    let counts = values.withUnsafeBytes { FiniteScan.counts($0, dtype) }
    return [counts.nan, counts.infinite]
  }

  /// Ordinary numbers, ties, their neighbours, subnormals and the ends of the ranges.
  private static let values: [Double] = {
    var generator = SeededGenerator(seed: 5)
    var values = [0, -0.0, 1, 65504, 1e-7, 5.96e-8, 2.98e-8, 1e-40, 1e-45, 3e38, 1.0009765625]
    for exponent in [-30, -20, -14, -3, 0, 4] {
      // A tie of f16, and of bf16, with one bit far below.
      let tie = Double(sign: .plus, exponent: exponent, significand: 1 + 1.0 / 2048)
      let wideTie = Double(sign: .plus, exponent: exponent, significand: 1 + 1.0 / 256)
      values += [
        tie, tie.nextUp, tie.nextDown, -tie.nextUp, wideTie, wideTie.nextUp, wideTie.nextDown,
      ]
    }
    return values + generator.floats(500, scale: 3).map { Double($0) * 1.000000001 }
  }()

  /// The bf16 nearest to a value, found among its two neighbours.
  private static func nearestBrainFloat(_ value: Double) -> UInt16 {
    let magnitude = value.magnitude
    var low = UInt16(truncatingIfNeeded: Float(magnitude).bitPattern >> 16)
    if Double(Float(bitPattern: UInt32(low) << 16)) > magnitude { low -= 1 }
    let below = magnitude - Double(Float(bitPattern: UInt32(low) << 16))
    let above = Double(Float(bitPattern: UInt32(low + 1) << 16)) - magnitude
    let nearest = below < above || (below == above && low % 2 == 0) ? low : low + 1
    return value.sign == .minus ? nearest | 0x8000 : nearest
  }

  private func cast<Source, Target: FixedWidthInteger>(
    _ values: [Source], _ from: DType, _ to: DType
  ) -> [Target] {
    var result = [Target](repeating: 0, count: values.count)
    convert(values, from, &result, to)
    return result
  }

  private func cast<Source>(_ values: [Source], _ from: DType, _ to: DType) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    convert(values, from, &result, to)
    return result
  }

  @discardableResult
  private func convert<Source, Target>(
    _ values: [Source], _ from: DType, _ result: inout [Target], _ to: DType
  ) -> Int {
    values.withUnsafeBytes { source in
      result.withUnsafeMutableBytes { FloatCast.convert(source, from, to: $0, to) }
    }
  }

  private func overflowCount<Source>(_ values: [Source], _ from: DType, _ to: DType) -> Int {
    var singles = [Float](repeating: 0, count: values.count)
    var halves = [UInt16](repeating: 0, count: values.count)
    return to == .f32 ? convert(values, from, &singles, to) : convert(values, from, &halves, to)
  }
}
