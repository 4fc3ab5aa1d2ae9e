import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Numbers of the dtypes", .tags(.numeric))
struct NumberFormatTests {
  @Test(
    "every finite pattern is the nearest of its own number",
    arguments: [DType.f16, .bf16, .f8e4m3, .f8e5m2])
  func roundTrip(dtype: DType) throws {
    let format = try #require(NumberFormat(dtype))
    for bits in 0..<UInt32(1) << UInt32(dtype.bitWidth) {
      let value = format.value(UInt16(bits))
      if value.isFinite {
        #expect(format.bits(nearest: value, as: UInt16.self) == UInt16(bits))
      }
    }
  }

  @Test("half precision is what the standard library says")
  func halfPrecision() throws {
    let format = try #require(NumberFormat(.f16))
    for bits in UInt16.min...UInt16.max {
      let expected = Double(Float16(bitPattern: bits))
      let value = format.value(bits)
      #expect(value == expected || value.isNaN && expected.isNaN)
    }
    var random = SeededGenerator(seed: 17)
    for _ in 0..<20_000 {
      let value = Double.random(in: -70_000...70_000, using: &random)
      let expected = Float16(value)
      let found = format.bits(nearest: value, as: UInt16.self)
      #expect(found == (expected.isFinite ? expected.bitPattern : nil), "\(value)")
    }
  }

  /// Nearest by looking at every pattern; ties go to the even one.
  private func nearest(_ value: Double, _ format: NumberFormat, bits: Int) -> UInt16? {
    var best: (distance: Double, bits: UInt16)?
    for pattern in 0..<UInt32(1) << UInt32(bits) {
      let candidate = format.value(UInt16(pattern))
      guard candidate.isFinite, candidate.sign == value.sign else { continue }
      let distance = (candidate - value).magnitude
      if let known = best {
        if distance > known.distance { continue }
        if distance == known.distance && pattern & 1 == 1 { continue }
      }
      best = (distance, UInt16(pattern))
    }
    return best?.bits
  }

  @Test("rounding is to nearest, ties to even", arguments: [DType.f8e4m3, .f8e5m2])
  func rounding(dtype: DType) throws {
    let format = try #require(NumberFormat(dtype))
    let limit = dtype == .f8e4m3 ? 448.0 : 57_344.0
    for step in 1..<4_000 {
      for scale in [1e-5, 1e-3, 0.01, 0.1] {
        let value = Double(step) * scale * (step % 2 == 0 ? 1 : -1)
        guard value.magnitude < limit else { continue }
        #expect(
          format.bits(nearest: value, as: UInt16.self) == nearest(value, format, bits: 8),
          "\(value)")
      }
    }
    // Halfway between neighbours.
    for bits in UInt16(0)..<100 {
      let middle = (format.value(bits) + format.value(bits + 1)) / 2
      #expect(format.bits(nearest: middle, as: UInt16.self) == (bits + 1) & ~1)
    }
  }

  @Test("numbers beyond the range have no bits")
  func range() throws {
    #expect(NumberFormat(.f8e4m3)?.bits(nearest: 463, as: UInt8.self) == 0x7E)
    #expect(NumberFormat(.f8e4m3)?.bits(nearest: 465, as: UInt8.self) == nil)
    #expect(NumberFormat(.f16)?.bits(nearest: 65_519, as: UInt16.self) == 0x7BFF)
    #expect(NumberFormat(.f16)?.bits(nearest: 65_520, as: UInt16.self) == nil)
    #expect(NumberFormat(.bf16)?.bits(nearest: 1e300, as: UInt16.self) == nil)
    #expect(NumberFormat(.f32)?.bits(nearest: 3.5e38, as: UInt32.self) == nil)
    for dtype in [DType.bool, .f4, .f8e8m0] { #expect(NumberFormat(dtype) == nil) }
  }

  @Test("integers carry their sign")
  func integers() {
    #expect(NumberFormat(.i8)?.value(UInt8(0xFF)) == -1)
    #expect(NumberFormat(.i64)?.value(UInt64(1) << 63) == -0x1p63)
    #expect(NumberFormat(.u16)?.value(UInt16(0xFFFF)) == 65_535)
  }
}
