import CTKCore
import CTKTensor
import CTKTestSupport
import Testing

@Suite(.tags(.numeric))
struct TensorStatisticsTests {
  private func statistics(_ values: [Float]) throws -> TensorStatistics {
    let info = try TensorInfo(name: "x", dtype: .f32, shape: [values.count])
    return try values.withUnsafeBytes { try #require(TensorStatistics($0, info)) }
  }

  /// Many blocks far from zero, where a sum of squares would lose every digit.
  @Test func agreesWithTwoPasses() throws {
    var random = SeededGenerator(seed: 5)
    let values = random.floats(40_000).map { $0 + 1000 }
    let doubles = values.map(Double.init)
    let mean = doubles.reduce(0, +) / 40_000
    let variance = doubles.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 40_000
    let found = try statistics(values)
    #expect(abs(found.mean - mean) < 1e-9)
    #expect(abs(found.deviation - variance.squareRoot()) < 1e-9)
    #expect(found.smallest == values.min() && found.largest == values.max())
    #expect(found.notFinite == 0)
  }

  @Test func leavesOutWhatIsNotFinite() throws {
    let found = try statistics([1, .nan, 3, .infinity, -.infinity])
    #expect(found.mean == 2 && found.deviation == 1 && found.notFinite == 3)
    #expect(found.smallest == 1 && found.largest == 3)
    #expect(!(try statistics([.nan]).hasValues))
    #expect(!(try statistics([]).hasValues))
  }

  @Test func readsHalvesAndNoIntegers() throws {
    let ones: [UInt16] = [0x3C00, 0x3C00]
    let half = try TensorInfo(name: "x", dtype: .f16, shape: [2])
    #expect(try ones.withUnsafeBytes { try #require(TensorStatistics($0, half)) }.mean == 1)
    let whole = try TensorInfo(name: "x", dtype: .i32, shape: [1])
    #expect(ones.withUnsafeBytes { TensorStatistics($0, whole) } == nil)
  }
}
