import CKernels
import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// The penalty of R3F on two outputs, and the passes that it compares.
@Suite(.tags(.numeric))
struct DivergenceTests {
  /// Symmetric Kullback-Leibler divergence, or the squared difference of scores.
  private static func naive(_ a: [Double], _ b: [Double]) -> Double {
    if a.count == 1 { return (a[0] - b[0]) * (a[0] - b[0]) }
    func softmax(_ x: [Double]) -> [Double] {
      let powers = x.map { exp($0) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    let (p, q) = (softmax(a), softmax(b))
    return zip(p, q).map { $0 * log($0 / $1) + $1 * log($1 / $0) }.reduce(0, +)
  }

  @Test(arguments: [1, 2, 5])
  func valueAndSlopes(_ labels: Int) {
    var random = SeededGenerator(seed: UInt64(labels))
    let floats = random.floats(6 * labels, scale: 2)
    let logits = (0..<6).map { floats[$0 * labels..<($0 + 1) * labels].map(Double.init) }
    let input = Self.buffer(of: floats)
    let buffer = FloatBuffer(count: 6 * labels)
    for index in 0..<buffer.count { buffer.base[index] = 1 }
    for row in 0..<3 {
      let found = Loss.addDivergence(
        of: Matrix(input.base, rows: 6, columns: labels), row: row,
        to: Matrix(buffer.base, rows: 6, columns: labels), weight: 0.5)
      #expect(abs(found - Self.naive(logits[row], logits[3 + row])) < 1e-12)
      for column in 0..<labels {
        for place in [row, 3 + row] {
          func value(_ step: Double) -> Double {
            var moved = logits
            moved[place][column] += step
            return Self.naive(moved[row], moved[3 + row])
          }
          let slope = (value(1e-5) - value(-1e-5)) / 2e-5
          #expect(abs(Double(buffer.base[place * labels + column]) - 1 - 0.5 * slope) < 1e-6)
        }
      }
    }
    withExtendedLifetime(input) {}
  }

  /// Without noise both halves of a doubled batch give the same logits, so nothing diverges.
  @Test(arguments: ReferenceModel.folders)
  func noNoiseNoDivergence(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let logits = try Self.logits(model, scale: 0)
    let half = logits.count / 2
    // The halves lie at other rows of the products, which round differently.
    for (clean, again) in zip(logits[..<half], logits[half...]) {
      #expect(Closeness.of(again, clean, absolute: 1e-5, relative: 1e-5).isWithin)
    }
    let buffer = FloatBuffer(count: half * 2 * logits[0].count)
    let input = Self.buffer(of: logits.joined().map { Float($0) })
    for row in 0..<half {
      let value = Loss.addDivergence(
        of: Matrix(input.base, rows: 2 * half, columns: logits[0].count), row: row,
        to: Matrix(buffer.base, rows: 2 * half, columns: logits[0].count), weight: 1)
      #expect(value < 1e-10)
    }
    withExtendedLifetime(input) {}
    #expect(buffer.array().allSatisfy { abs($0) < 1e-5 })
    let noisy = try Self.logits(model, scale: 0.1)
    #expect(noisy[..<half] == logits[..<half])
    for (disturbed, clean) in zip(noisy[half...], logits[half...]) {
      #expect(!Closeness.of(disturbed, clean, absolute: 1e-3, relative: 0).isWithin)
    }
  }

  private static func buffer(of values: [Float]) -> FloatBuffer {
    let buffer = FloatBuffer(count: values.count)
    for (index, value) in values.enumerated() { buffer.base[index] = value }
    return buffer
  }

  private static func logits(_ model: ReferenceModel, scale: Float) throws -> [[Double]] {
    let batch = try model.batch()
    let noise = EmbeddingNoise(
      after: batch,
      noise: ctk_noise(scale: scale, isNormal: false, random: CounterRandom(2)))
    let workspace = model.workspace(for: batch.doubled)
    return withExtendedLifetime(workspace) {
      let pass = model.network.forward(
        batch.doubled, dropout: nil, noise: noise, model.parameters, workspace)
      let values = pass.logits.array().map(Double.init)
      return stride(from: 0, to: values.count, by: model.network.labelCount).map {
        Array(values[$0..<$0 + model.network.labelCount])
      }
    }
  }

  /// Word embeddings under noise are constants: their table's gradient is the clean half's.
  @Test(arguments: ["bert", "xlnet", "electra"])
  func noGradientReachesTheTableThroughNoise(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let batch = try model.batch()
    let workspace = model.workspace(for: batch.doubled)
    func gradient(_ noise: EmbeddingNoise?, _ batch: PackedBatch, onlyFirst count: Int)
      -> DenseGradient
    {
      let pass = model.network.forward(
        batch, dropout: nil, noise: noise, model.parameters, workspace)
      for row in 0..<pass.logits.rows {
        for column in 0..<pass.logits.columns {
          pass.logits.base[row * pass.logits.stride + column] = row < count ? 1 : -2
        }
      }
      let sink = DenseGradient(model.network.layout)
      model.network.backward(
        pass, logitGradient: pass.logits, batch: batch, sink: sink, model.parameters, workspace)
      return sink
    }
    let count = batch.sequenceCount
    let noise = EmbeddingNoise(
      after: batch,
      noise: ctk_noise(scale: 0.1, isNormal: true, random: CounterRandom(2)))
    let single = gradient(nil, batch, onlyFirst: count)
    let doubled = gradient(noise, batch.doubled, onlyFirst: count)
    let words = try #require(
      model.network.layout.parameters.first { $0.name.contains("word_embedding") }?.name)
    let closeness = Closeness.of(
      doubled.floats(words), single.floats(words), absolute: 1e-5, relative: 1e-5)
    #expect(closeness.isWithin, "\(closeness)")
    let other = model.network.layout.parameters.last { $0.role == .matrix }?.name ?? ""
    #expect(doubled.floats(other) != single.floats(other))
  }
}
