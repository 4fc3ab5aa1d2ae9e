import CKernels
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// Attention with relative positions: every kernel variant against the formula, and its
/// gradients against finite differences of the formula.
///
/// Tolerances as for plain attention; scores are sums of three terms here.
@Suite(.tags(.numeric))
struct RelativeAttentionTests {
  @Test(
    arguments: [(1, 1), (2, 3), (5, 9), (6, 4), (7, 16), (12, 5), (17, 10), (33, 64)],
    [true, false])
  func forwardAndBackward(_ extents: (length: Int, size: Int), _ hasSegments: Bool) {
    let (length, size) = extents
    var random = SeededGenerator(seed: UInt64(100 * length + size))
    let operands = RelativeOperands(
      length: length, size: size, hasSegments: hasSegments, &random)
    let upstream = random.floats(length * size)
    let expected = operands.naive(operands.values.map { $0.map(Double.init) })
    let slopes = length * size > 128 ? [] : operands.slopes(upstream)
    for kernels in Kernels.all {
      let (output, logSums) = operands.forward(kernels)
      let closeness = Closeness.of(output, expected, absolute: 3e-6, relative: 3e-6)
      #expect(closeness.isWithin, "\(kernels.variant): \(closeness)")
      let gradients = operands.backward(kernels, output, upstream, logSums)
      for (part, slope) in slopes.enumerated() {
        let closeness = Closeness.of(gradients[part], slope, absolute: 1e-5, relative: 1e-5)
        let name = RelativeOperands.names[part]
        #expect(closeness.isWithin, "\(kernels.variant) \(name): \(closeness)")
      }
    }
  }

  /// Every variant computes what the portable one does, on sizes too large for the
  /// differences.
  @Test func variantsAgreeOnLongSequences() throws {
    var random = SeededGenerator(seed: 4)
    let operands = RelativeOperands(length: 131, size: 64, hasSegments: true, &random)
    let upstream = random.floats(131 * 64)
    var reference: [[Float]] = []
    for kernels in Kernels.all {
      let (output, logSums) = operands.forward(kernels)
      let results = [output] + operands.backward(kernels, output, upstream, logSums)
      if reference.isEmpty { reference = results }
      for (found, expected) in zip(results, reference) {
        let closeness = Closeness.of(found, expected, absolute: 5e-5, relative: 5e-5)
        #expect(closeness.isWithin, "\(kernels.variant): \(closeness)")
      }
    }
  }

  /// The output is linear in the values, so <attention(V), U> = <V, dV> with dropout too.
  @Test func dropoutIsTheSameForwardAndBackward() {
    var random = SeededGenerator(seed: 9)
    var operands = RelativeOperands(length: 21, size: 8, hasSegments: true, &random)
    operands.dropout = ctk_dropout(probability: 0.3, random: CounterRandom(5))
    let upstream = random.floats(21 * 8)
    for kernels in Kernels.all {
      let (output, logSums) = operands.forward(kernels)
      let gradients = operands.backward(kernels, output, upstream, logSums)
      var (left, right) = (0.0, 0.0)
      for index in output.indices {
        left += Double(output[index] * upstream[index])
        right += Double(operands.values[2][index] * gradients[2][index])
      }
      #expect(abs(left - right) < 1e-5, "\(kernels.variant): \(left) against \(right)")
    }
  }
}

/// One head's operands, and both ways to compute with them.
struct RelativeOperands {
  static let names = [
    "query", "key", "value", "distance keys", "content bias", "distance bias", "segment bias",
    "segment embedding",
  ]

  let length: Int
  let size: Int
  let segments: [Int32]?
  /// In the order of `names`, row-major.
  let values: [[Float]]
  var dropout = ctk_dropout.off

  init(length: Int, size: Int, hasSegments: Bool, _ random: inout SeededGenerator) {
    self.length = length
    self.size = size
    let counts = [length, length, length, 2 * length - 1, 1, 1, 1, 2]
    values = counts.map { random.floats($0 * size) }
    segments = hasSegments ? (0..<length).map { _ in Int32(random.next() % 3) } : nil
  }

  private var scale: Float { 1 / Float(size).squareRoot() }

  /// The formula of `ctk_relative_head`.
  func naive(_ parts: [[Double]]) -> [Double] {
    func entry(_ part: Int, _ row: Int, _ lane: Int) -> Double { parts[part][row * size + lane] }
    var output = [Double](repeating: 0, count: length * size)
    for i in 0..<length {
      let powers = (0..<length).map { j -> Double in
        var score = 0.0
        let side = segments.map { $0[i] == $0[j] ? 0 : 1 }
        for lane in 0..<size {
          let query = entry(0, i, lane)
          score += (query + entry(4, 0, lane)) * entry(1, j, lane)
          score += (query + entry(5, 0, lane)) * entry(3, length - 1 - (i - j), lane)
          if let side { score += (query + entry(6, 0, lane)) * entry(7, side, lane) }
        }
        return exp(score * Double(scale))
      }
      let total = powers.reduce(0, +)
      for j in 0..<length {
        for lane in 0..<size {
          output[i * size + lane] += powers[j] / total * entry(2, j, lane)
        }
      }
    }
    return output
  }

  /// Slopes of <output, upstream> along every operand.
  func slopes(_ upstream: [Float]) -> [[Double]] {
    let doubles = values.map { $0.map(Double.init) }
    return doubles.indices.map { part in
      NaiveTwins.slopes(doubles[part]) { changed in
        var parts = doubles
        parts[part] = changed
        return zip(naive(parts), upstream).map { $0 * Double($1) }.reduce(0, +)
      }
    }
  }

  private func scratch(_ kernels: ctk_kernel_table) -> [Float] {
    [Float](
      repeating: .nan, count: ctk_relative_attention_scratch(kernels.lanes, length, size))
  }

  /// Where each part begins in all parts one after the other.
  private var starts: [Int] {
    values.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
  }

  private func withHead(_ body: (inout ctk_relative_head) -> Void) {
    values.flatMap { $0 }.withUnsafeBufferPointer { buffer in
      (segments ?? []).withUnsafeBufferPointer { types in
        guard let base = buffer.baseAddress else { return }
        let places = starts.map { base + $0 }
        var view = ctk_relative_head(
          head: ctk_attention_head(
            query: places[0], query_count: length, key: places[1], value: places[2],
            stride: size, length: length, head_size: size, score_scale: scale, dropout: dropout,
            dropout_base: 77),
          distance_key: places[3], distance_stride: size, content_bias: places[4],
          distance_bias: places[5], segment_bias: places[6], segment_embedding: places[7],
          segment_stride: size, segments: segments == nil ? nil : types.baseAddress)
        body(&view)
      }
    }
  }

  func forward(_ kernels: ctk_kernel_table) -> ([Float], [Float]) {
    var output = [Float](repeating: .nan, count: length * size)
    var logSums = [Float](repeating: .nan, count: length)
    var scratch = scratch(kernels)
    withHead { kernels.relative_attention_forward(&$0, &output, size, &logSums, &scratch) }
    return (output, logSums)
  }

  /// Gradients in the order of `names`.
  func backward(
    _ kernels: ctk_kernel_table, _ output: [Float], _ upstream: [Float], _ logSums: [Float]
  ) -> [[Float]] {
    var flat = [Float](repeating: .nan, count: values.map(\.count).reduce(0, +))
    var scratch = scratch(kernels)
    flat.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let places = starts.map { base + $0 }
      var target = ctk_relative_gradient(
        query: places[0], key: places[1], value: places[2], stride: size,
        distance_key: places[3], distance_stride: size, content_bias: places[4],
        distance_bias: places[5], segment_bias: places[6], segment_embedding: places[7],
        segment_stride: size)
      withHead {
        kernels.relative_attention_backward(
          &$0, output, upstream, size, logSums, &target, &scratch)
      }
    }
    return zip(starts, starts.dropFirst()).map { Array(flat[$0..<$1]) }
  }
}
