import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Ordered integers", .tags(.format))
struct OrderedIntegerTests {
  @Test("every 16-bit pattern returns from its ordered integer", arguments: [true, false])
  func roundTrip(isFloat: Bool) {
    let ordered = OrderedInteger<UInt16>(isFloat: isFloat)
    for bits in UInt16.min...UInt16.max {
      #expect(ordered.decode(ordered.encode(bits)) == bits)
    }
  }

  @Test("the order is that of the numbers, with -0 just below +0")
  func monotone() {
    let ordered = OrderedInteger<UInt32>(isFloat: true)
    let numbers: [Float] = [
      -.infinity, -.greatestFiniteMagnitude, -1, -.leastNonzeroMagnitude, -0.0, 0.0,
      .leastNonzeroMagnitude, 1, 2, .greatestFiniteMagnitude, .infinity,
    ]
    let integers = numbers.map { ordered.encode($0.bitPattern) }
    #expect(integers == integers.sorted())
    #expect(integers[5] - integers[4] == 1)
  }

  @Test("the formula of the format document holds")
  func formula() {
    let ordered = OrderedInteger<UInt8>(isFloat: true)
    for bits in UInt8.min...UInt8.max {
      let expected = bits < 128 ? bits + 128 : 255 - bits
      #expect(ordered.encode(bits) == expected)
      #expect(OrderedInteger<UInt8>(isFloat: false).encode(bits) == bits)
    }
  }

  @Test("zigzag follows its formula and returns")
  func zigzag() {
    for difference in UInt8.min...UInt8.max {
      let expected =
        difference < 128 ? 2 * Int(difference) : 2 * (256 - Int(difference)) - 1
      #expect(Int(Zigzag.encode(difference)) == expected)
      #expect(Zigzag.decode(Zigzag.encode(difference)) == difference)
    }
  }

  @Test("each dtype's unit fills its elements", arguments: DType.allCases)
  func units(dtype: DType) throws {
    let info = try TensorInfo(name: "t", dtype: dtype, shape: [8])
    #expect(info.unitCount * CodingUnit(dtype).byteCount == info.byteCount)
  }
}
