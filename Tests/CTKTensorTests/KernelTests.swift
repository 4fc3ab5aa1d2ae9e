import CKernels
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// Every kernel variant against its naive twin and finite differences.
///
/// Tolerances: f32 arithmetic of a few dozen operations on values near 1 loses
/// at most a few units of 1e-7; sums over a row or a sequence a few 1e-6.
@Suite(.tags(.numeric))
struct KernelTests {
  static let widths = [1, 3, 9, 16, 31, 36, 64, 100]
  static let activations: [(kind: UInt32, function: @Sendable (Double) -> Double)] = [
    (CTK_GELU.rawValue, NaiveTwins.gelu), (CTK_GELU_TANH.rawValue, NaiveTwins.geluTanh),
    (CTK_RELU.rawValue, NaiveTwins.relu), (CTK_SILU.rawValue, NaiveTwins.silu),
    (CTK_TANH.rawValue, { Foundation.tanh($0) }),
  ]

  @Test(arguments: widths)
  func activationsAndTheirSlopes(_ width: Int) {
    var random = SeededGenerator(seed: UInt64(width))
    for kernels in Kernels.all {
      for activation in Self.activations {
        let x = random.floats(3 * width, scale: 6)
        let inputs = x.map(Double.init)
        var y = [Float](repeating: 0, count: x.count)
        kernels.activation(x, &y, x.count, Int32(activation.kind))
        let expected = inputs.map(activation.function)
        let forward = Closeness.of(y, expected, absolute: 1e-6, relative: 1e-6)
        #expect(forward.isWithin, "\(kernels.variant) \(activation.kind): \(forward)")

        var gradient = [Float](repeating: 1, count: x.count)
        kernels.activation_backward(x, &gradient, &y, x.count, Int32(activation.kind))
        let slopes = inputs.map { input in
          NaiveTwins.slopes([input]) { activation.function($0[0]) }[0]
        }
        // The kink of ReLU has no difference quotient.
        let smooth = inputs.indices.filter { abs(inputs[$0]) > 1e-4 }
        let backward = Closeness.of(
          smooth.map { gradient[$0] }, smooth.map { slopes[$0] }, absolute: 2e-6, relative: 2e-6)
        #expect(backward.isWithin, "\(kernels.variant) \(activation.kind): \(backward)")
      }
    }
  }

  /// GELU keeps its relative precision where it is tiny.
  @Test func geluTailIsRelativelyExact() {
    for kernels in Kernels.all {
      let x: [Float] = (0..<120).map { -Float($0) / 10 }
      var y = [Float](repeating: 0, count: x.count)
      kernels.activation(x, &y, x.count, Int32(CTK_GELU.rawValue))
      let expected = x.map { NaiveTwins.gelu(Double($0)) }
      let closeness = Closeness.of(y, expected, absolute: 1e-33, relative: 2e-5)
      #expect(closeness.isWithin, "\(kernels.variant): \(closeness)")
    }
  }

  @Test(arguments: widths)
  func layerNormForwardAndBackward(_ width: Int) {
    let rows = 3
    var random = SeededGenerator(seed: 100 + UInt64(width))
    for kernels in Kernels.all {
      var x = random.floats(rows * width)
      let residual = random.floats(rows * width)
      let (gamma, beta) = (random.floats(width), random.floats(width))
      let sums = x.indices.map { Double(x[$0] + residual[$0]) }
      var y = [Float](repeating: 0, count: x.count)
      var (mean, rstd) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      kernels.dropout_residual_norm(
        &x, residual, gamma, beta, 1e-2, .off, 0, rows, width, &y, &mean, &rstd)
      func naive(_ values: [Double]) -> [Double] {
        (0..<rows).flatMap { row in
          NaiveTwins.layerNorm(
            Array(values[row * width..<(row + 1) * width]), gamma: gamma.map(Double.init),
            beta: beta.map(Double.init), epsilon: 1e-2)
        }
      }
      let forward = Closeness.of(y, naive(sums), absolute: 4e-6, relative: 4e-6)
      #expect(forward.isWithin, "\(kernels.variant): \(forward)")

      let upstream = random.floats(x.count)
      let slopes = NaiveTwins.slopes(sums) { values in
        zip(naive(values), upstream).map { $0 * Double($1) }.reduce(0, +)
      }
      var gradient = upstream
      kernels.norm_backward(x, mean, rstd, gamma, &gradient, rows, width)
      let backward = Closeness.of(gradient, slopes, absolute: 2e-5, relative: 2e-5)
      #expect(backward.isWithin, "\(kernels.variant): \(backward)")
    }
  }

  @Test(arguments: [(1, 1), (1, 8), (5, 9), (16, 32), (17, 10), (50, 32), (33, 64)])
  func attentionForwardAndBackward(_ length: Int, _ size: Int) {
    var random = SeededGenerator(seed: UInt64(1000 * length + size))
    for kernels in Kernels.all {
      let packed = random.floats(length * 3 * size)
      let parts = (0..<3).map { part in
        (0..<length * size).map { packed[$0 / size * 3 * size + part * size + $0 % size] }
      }
      let (output, logSums) = forward(kernels, packed, length, size)
      let doubles = parts.map { $0.map(Double.init) }
      let expected = NaiveTwins.attention(
        query: doubles[0], key: doubles[1], value: doubles[2], length: length, size: size)
      let closeness = Closeness.of(output, expected, absolute: 2e-6, relative: 2e-6)
      #expect(closeness.isWithin, "\(kernels.variant): \(closeness)")

      let upstream = random.floats(length * size)
      let gradients = backward(kernels, packed, output, upstream, logSums, length, size)
      for part in 0..<3 where length * size <= 512 {
        let slopes = NaiveTwins.slopes(doubles[part]) { values in
          var operands = doubles
          operands[part] = values
          let result = NaiveTwins.attention(
            query: operands[0], key: operands[1], value: operands[2], length: length, size: size)
          return zip(result, upstream).map { $0 * Double($1) }.reduce(0, +)
        }
        let found = (0..<length * size).map {
          gradients[$0 / size * 3 * size + part * size + $0 % size]
        }
        let closeness = Closeness.of(found, slopes, absolute: 5e-6, relative: 5e-6)
        #expect(closeness.isWithin, "\(kernels.variant) part \(part): \(closeness)")
      }
    }
  }

  private func head(
    _ packed: UnsafePointer<Float>, _ length: Int, _ size: Int, dropout: ctk_dropout = .off
  ) -> ctk_attention_head {
    ctk_attention_head(
      query: packed, query_count: length, key: packed + size, value: packed + 2 * size,
      stride: 3 * size, length: length, head_size: size, score_scale: 1 / Float(size).squareRoot(),
      dropout: dropout, dropout_base: 77)
  }

  private func forward(
    _ kernels: ctk_kernel_table, _ packed: [Float], _ length: Int, _ size: Int,
    dropout: ctk_dropout = .off
  ) -> ([Float], [Float]) {
    var output = [Float](repeating: 0, count: length * size)
    var logSums = [Float](repeating: 0, count: length)
    var scratch = [Float](
      repeating: .nan, count: ctk_attention_scratch(kernels.lanes, length, size))
    packed.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      var view = head(base, length, size, dropout: dropout)
      kernels.attention_forward(&view, &output, size, &logSums, &scratch)
    }
    return (output, logSums)
  }

  private func backward(
    _ kernels: ctk_kernel_table, _ packed: [Float], _ output: [Float], _ upstream: [Float],
    _ logSums: [Float], _ length: Int, _ size: Int, dropout: ctk_dropout = .off
  ) -> [Float] {
    var gradients = [Float](repeating: .nan, count: packed.count)
    var scratch = [Float](
      repeating: .nan, count: ctk_attention_scratch(kernels.lanes, length, size))
    packed.withUnsafeBufferPointer { buffer in
      gradients.withUnsafeMutableBufferPointer { target in
        guard let base = buffer.baseAddress, let place = target.baseAddress else { return }
        var view = head(base, length, size, dropout: dropout)
        kernels.attention_backward(
          &view, output, upstream, size, logSums, place, place + size, place + 2 * size, 3 * size,
          &scratch)
      }
    }
    return gradients
  }

  /// With dropout on, the value gradient is the transpose of the same linear map:
  /// <attention(V), U> = <V, dV> because the output is linear in V.
  @Test func attentionDropoutIsTheSameForwardAndBackward() {
    let (length, size) = (21, 8)
    let site = ctk_dropout(probability: 0.3, random: CounterRandom(5))
    for kernels in Kernels.all {
      var random = SeededGenerator(seed: 9)
      let packed = random.floats(length * 3 * size)
      let upstream = random.floats(length * size)
      let (output, logSums) = forward(kernels, packed, length, size, dropout: site)
      let gradients = backward(
        kernels, packed, output, upstream, logSums, length, size, dropout: site)
      var (left, right) = (0.0, 0.0)
      for index in 0..<length * size {
        left += Double(output[index] * upstream[index])
        let place = index / size * 3 * size + 2 * size + index % size
        right += Double(packed[place] * gradients[place])
      }
      #expect(abs(left - right) < 1e-5, "\(kernels.variant): \(left) against \(right)")
    }
  }

  /// The share dropped, and every variant dropping the same entries.
  @Test func dropoutKeepsItsProbability() {
    let site = ctk_dropout(probability: 0.1, random: CounterRandom(1, 2, 3))
    let ones = [Float](repeating: 1, count: 100_003)
    var reference: [Float] = []
    for kernels in Kernels.all {
      var dropped = [Float](repeating: 0, count: ones.count)
      kernels.dropout(ones, &dropped, site, 12, ones.count)
      let share = Double(dropped.filter { $0 == 0 }.count) / Double(ones.count)
      // Five standard deviations of a binomial share.
      #expect(abs(share - 0.1) < 5 * (0.09 / 100_003).squareRoot())
      #expect(dropped.allSatisfy { $0 == 0 || $0 == site.scale })
      if reference.isEmpty { reference = dropped }
      #expect(dropped == reference, "\(kernels.variant)")
    }
  }

  @Test(arguments: widths)
  func sumsAndGathers(_ width: Int) {
    var random = SeededGenerator(seed: 7 + UInt64(width))
    for kernels in Kernels.all {
      let x = random.floats(5 * width)
      var sums = [Float](repeating: 0, count: width)
      kernels.column_sums(x, 5, width, width, &sums)
      let expected = (0..<width).map { column in
        (0..<5).map { Double(x[$0 * width + column]) }.reduce(0, +)
      }
      #expect(Closeness.of(sums, expected, absolute: 1e-6, relative: 1e-6).isWithin)
      let squares = x.map { Double($0) * Double($0) }.reduce(0, +)
      #expect(abs(kernels.sum_of_squares(x, x.count) - squares) < 1e-6 * (1 + squares))
      let positions = (0..<width).map { UInt32((7 * $0 + 3) % x.count) }
      var gathered = [Float](repeating: 0, count: width)
      kernels.gather(x, positions, &gathered, width)
      #expect(gathered == positions.map { x[Int($0)] })
    }
  }

  /// Examples of no, one, few and more tokens than are packed at once.
  @Test(arguments: [(1, 1), (5, 7), (24, 48), (200, 33), (26, 100)])
  func squaresTheGradientOfEachExample(_ rows: Int, _ columns: Int) {
    let offsets = [2, 2, 3, 9, 400, 1000, 1003]
    var random = SeededGenerator(seed: 13 + UInt64(rows))
    // Rounded, so that products in bfloat16 have the same operands.
    let left = (0..<1003).map { _ in random.floats(rows + 3).map(\.roundedToBFloat16) }
    let right = (0..<1003).map { _ in random.floats(columns + 1).map(\.roundedToBFloat16) }
    let start = (0..<rows).map { _ in random.floats(columns) }
    let expected = NaiveTwins.squaredProducts(
      left.map { $0.map(Double.init) }, right.map { $0.map(Double.init) }, offsets: offsets,
      onto: start.map { $0.map(Double.init) })
    let (leftValues, rightValues) = (left.flatMap { $0 }, right.flatMap { $0 })
    var variants = Kernels.all.map { ($0.variant, $0.squared_products!) }
    if ProductPrecision.bf16.isSupported {
      variants.append(("bf16", ctk_bf16_squared_products))
    }
    for (variant, addSquaredProducts) in variants {
      var scores = start.flatMap { $0 }
      var scratch = [Float](repeating: .nan, count: ctk_squared_products_scratch(600))
      addSquaredProducts(
        leftValues, rows + 3, rows, rightValues, columns + 1, columns, offsets,
        offsets.count - 1, &scores, &scratch)
      let closeness = Closeness.of(
        scores, expected.flatMap { $0 }, absolute: 1e-4, relative: 1e-5)
      #expect(closeness.isWithin, "\(variant): \(closeness)")
    }
  }

  @Test(arguments: widths)
  func keepsTheColumnsOfABitmap(_ width: Int) {
    var random = SeededGenerator(seed: 11 + UInt64(width))
    let (rows, stride) = (3, width + 2)
    let x = random.floats(rows * stride)
    let columns = (0..<width).filter { _ in random.next() % 3 != 0 }
    var bitmap = [UInt16](repeating: 0, count: (width + 15) / 16)
    for column in columns { bitmap[column / 16] |= 1 << (column % 16) }
    let room = columns.count + 16
    for kernels in Kernels.all {
      var y = [Float](repeating: .nan, count: rows * room)
      kernels.keep_columns(x, rows, stride, bitmap, bitmap.count, &y, room)
      for row in 0..<rows {
        let kept = Array(y[row * room..<row * room + columns.count])
        #expect(kept == columns.map { x[row * stride + $0] }, "\(kernels.variant)")
      }
    }
  }

  /// The scattered and the dense optimizer give the same bits.
  @Test(arguments: widths)
  func scatteredAdamWEqualsDense(_ width: Int) {
    let constants = ctk_adamw(
      beta1: 0.9, beta2: 0.999, step_size: 0.01, inverse_root_correction: 1.3, epsilon: 1e-8,
      decay_factor: 0.999, gradient_scale: 0.7)
    for kernels in Kernels.all {
      var random = SeededGenerator(seed: 3 + UInt64(width))
      let start = random.floats(width)
      let gradient = random.floats(width)
      var (dense, m1, v1) = (start, random.floats(width), random.floats(width).map(abs))
      var (wide, m2, v2) = ([Float](repeating: 5, count: 3 * width), m1, v1)
      let positions = (0..<width).map { UInt32(3 * $0 + 1) }
      for (value, position) in zip(start, positions) { wide[Int(position)] = value }
      kernels.adamw(&dense, gradient, &m1, &v1, width, constants)
      kernels.adamw_scattered(&wide, positions, gradient, &m2, &v2, width, constants)
      #expect(positions.map { wide[Int($0)] } == dense)
      #expect(m1 == m2 && v1 == v2)
      #expect(wide.indices.allSatisfy { $0 % 3 == 1 || wide[$0] == 5 })
    }
  }
}
