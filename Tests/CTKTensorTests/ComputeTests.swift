import CKernels
import CTKCore
import CTKTensor
import CTKTestSupport
import Testing

@Suite(.tags(.numeric))
struct ComputeTests {
  /// Manifests are compared by it, also while other threads ask for it.
  @Test func theDescriptionIsTheSameForAll() async {
    let descriptions = await withTaskGroup(of: Set<String>.self) { group in
      for _ in 0..<4 {
        group.addTask { Set((0..<2000).map { _ in Compute.blasDescription }) }
      }
      return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }
    #expect(descriptions.count == 1)
  }

  static let orientations: [(Orientation, Orientation)] = [
    (.plain, .plain), (.transposed, .plain), (.plain, .transposed), (.transposed, .transposed),
  ]

  /// Parts of tiles and panels, several blocks of the depth and of the columns, and rows that
  /// lie whole pages apart.
  @Test(arguments: [
    (1, 1, 1), (3, 5, 7), (64, 48, 33), (130, 70, 96), (27, 1100, 45), (29, 520, 330),
    (1024, 36, 40), (40, 36, 1024),
  ])
  func productsAgreeWithTheDefinition(_ rows: Int, _ depth: Int, _ columns: Int) {
    var random = SeededGenerator(seed: UInt64(rows))
    let left = random.floats(rows * depth)
    let right = random.floats(depth * columns)
    let bias = FloatBuffer(count: columns)
    for column in 0..<columns { bias.base[column] = Float(column) / 64 }
    let product = product(left, right, rows, depth, columns)
    let expected = product.indices.map { 2 * product[$0] + Double(bias.base[$0 % columns]) }
    // Partial sums of random numbers grow with the root of their number, and so does the sum of
    // their roundings: the error grows with the depth.
    let absolute = 1e-5 * max(1, Double(depth) / 100)
    for kernels in Kernels.all {
      for (leftOrientation, rightOrientation) in Self.orientations {
        let a = stored(left, rows, depth, leftOrientation)
        let b = stored(right, depth, columns, rightOrientation)
        let results = [1, 2, 3].map {
          Compute(threadCount: $0, kernels: kernels).biasAndTwice(
            a.view, leftOrientation, b.view, rightOrientation, bias, rows: rows)
        }
        for (threads, result) in zip(1..., results) {
          let closeness = Closeness.of(
            result, expected, absolute: absolute, relative: 1e-5)
          #expect(
            closeness.isWithin,
            "\(kernels.variant), \(threads) threads, \(leftOrientation): \(closeness)")
        }
        // Threads divide the kernel's sums, but never one sum.
        if kernels.product != nil && leftOrientation == .plain {
          #expect(results.allSatisfy { $0 == results[0] })
        }
      }
    }
  }

  @Test func aProductThatStartsFromZeroReadsNoResult() {
    let (rows, depth, columns) = (17, 40, 50)
    let operand = FloatBuffer(count: depth * columns)
    for index in 0..<operand.count { operand.base[index] = 1 }
    for kernels in Kernels.all {
      let result = FloatBuffer(count: rows * columns)
      result.base.update(repeating: .nan, count: result.count)
      Compute(threadCount: 2, kernels: kernels).multiply(
        Matrix(operand.base, rows: rows, columns: depth), .plain,
        Matrix(operand.base, rows: depth, columns: columns),
        into: Matrix(result.base, rows: rows, columns: columns))
      #expect(result.array().allSatisfy { $0 == Float(depth) })
    }
  }

  /// Odd depths, parts of tiles and panels, and more than one block of rows and depth.
  @Test(
    .enabled(if: ProductPrecision.bf16.isSupported),
    arguments: [(32, 16, 48), (37, 33, 50), (200, 1601, 100), (64, 770, 49)])
  func roundedProductsAgreeWithRoundedOperands(_ rows: Int, _ depth: Int, _ columns: Int) {
    var random = SeededGenerator(seed: UInt64(depth))
    let (left, right) = (random.floats(rows * depth), random.floats(depth * columns))
    let bias = FloatBuffer(count: columns)
    for column in 0..<columns { bias.base[column] = Float(column) / 64 }
    let product = product(
      left.map(\.roundedToBFloat16), right.map(\.roundedToBFloat16), rows, depth, columns)
    let expected = product.indices.map { 2 * product[$0] + Double(bias.base[$0 % columns]) }
    for (leftOrientation, rightOrientation) in Self.orientations {
      let a = stored(left, rows, depth, leftOrientation)
      let b = stored(right, depth, columns, rightOrientation)
      let results = [1, 2, 3].map {
        Compute(threadCount: $0, precision: .bf16).biasAndTwice(
          a.view, leftOrientation, b.view, rightOrientation, bias, rows: rows)
      }
      let closeness = Closeness.of(results[0], expected, absolute: 5e-4, relative: 1e-5)
      #expect(closeness.isWithin, "\(leftOrientation), \(rightOrientation): \(closeness)")
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  /// The product of two row-major matrices.
  private func product(
    _ left: [Float], _ right: [Float], _ rows: Int, _ depth: Int, _ columns: Int
  ) -> [Double] {
    (0..<rows * columns).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      var sum = 0.0
      for k in 0..<depth {
        sum += Double(left[row * depth + k]) * Double(right[k * columns + column])
      }
      return sum
    }
  }

  private func stored(
    _ values: [Float], _ rows: Int, _ columns: Int, _ orientation: Orientation
  ) -> (buffer: FloatBuffer, view: Matrix) {
    let buffer = FloatBuffer(count: values.count)
    for row in 0..<rows {
      for column in 0..<columns {
        let place = orientation == .plain ? row * columns + column : column * rows + row
        buffer.base[place] = values[row * columns + column]
      }
    }
    let view =
      orientation == .plain
      ? Matrix(buffer.base, rows: rows, columns: columns)
      : Matrix(buffer.base, rows: columns, columns: rows)
    return (buffer, view)
  }

  @Test func everyItemIsVisitedOnce() {
    let visits = FloatBuffer(count: 101)
    Compute(threadCount: 3).forEach(101) { item, worker in
      #expect(worker < 3)
      visits.base[item] += 1
    }
    #expect(visits.array().allSatisfy { $0 == 1 })
  }

  @Test func halfPrecisionDecodesExactly() throws {
    var f16: [UInt8] = []
    var bf16: [UInt8] = []
    for bits in UInt16.min...UInt16.max {
      f16 += [UInt8(bits & 255), UInt8(bits >> 8)]
      bf16 += [UInt8(bits & 255), UInt8(bits >> 8)]
    }
    let buffer = FloatBuffer(count: 65_536)
    try f16.withUnsafeBytes {
      try FloatDecoding.decode(
        $0, info: TensorInfo(name: "x", dtype: .f16, shape: [65_536]), into: buffer.base)
    }
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let found = buffer.base[Int(bits)]
      #expect(found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN))
    }
    try bf16.withUnsafeBytes {
      try FloatDecoding.decode(
        $0, info: TensorInfo(name: "x", dtype: .bf16, shape: [65_536]), into: buffer.base)
    }
    for bits in UInt16.min...UInt16.max {
      #expect(buffer.base[Int(bits)].bitPattern == UInt32(bits) << 16)
    }
  }

  @Test func integersAreNotWeights() throws {
    let info = try TensorInfo(name: "ids", dtype: .i64, shape: [1])
    let buffer = FloatBuffer(count: 1)
    let bytes = [UInt8](repeating: 0, count: 8)
    #expect(throws: TensorError.self) {
      try bytes.withUnsafeBytes { try FloatDecoding.decode($0, info: info, into: buffer.base) }
    }
  }
}

@Suite(.tags(.numeric))
struct CounterRandomTests {
  @Test func streamsDependOnEveryPartOfThePath() {
    var draws: Set<UInt64> = []
    for seed in 0..<4 as Range<UInt64> {
      for step in 0..<4 as Range<UInt64> {
        for site in 0..<4 as Range<UInt64> {
          var random = CounterRandom(seed, step, site)
          draws.insert(random.next())
        }
      }
    }
    #expect(draws.count == 64)
  }

  @Test func normalsHaveUnitVariance() {
    var random = CounterRandom(11)
    let draws = (0..<20_000).map { _ in random.normal() }
    let mean = draws.reduce(0, +) / 20_000
    let variance = draws.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 20_000
    // Five standard errors.
    #expect(abs(mean) < 5 / 20_000.0.squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / 20_000.0).squareRoot())
  }
}

extension Compute {
  /// A bias for each column and twice the product of two operands.
  fileprivate func biasAndTwice(
    _ left: Matrix, _ leftOrientation: Orientation, _ right: Matrix,
    _ rightOrientation: Orientation, _ bias: FloatBuffer, rows: Int
  ) -> [Float] {
    let result = FloatBuffer(count: rows * bias.count)
    let target = Matrix(result.base, rows: rows, columns: bias.count)
    for start in [SumStart.bias(bias.base), .result] {
      multiply(left, leftOrientation, right, rightOrientation, into: target, from: start)
    }
    return result.array()
  }
}
