package import CTKModel
package import CTKTensor
import Foundation

/// Which labels the log-likelihood of Fisher information is of.
package enum FisherLabels: String, Sendable, CaseIterable {
  /// The data's own: the empirical Fisher information.
  case gold
  /// Drawn from the model's predictions: the Fisher information itself, estimated by
  /// one draw an example.
  case sampled
}

/// Labels drawn from the predictions of a model.
package struct LabelSampler: Sendable {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  /// One label for each row that has a gold one: a class by its probability, or a score of which the squared
  /// error is the negative log-likelihood, normal with variance 1/2.
  ///
  /// A draw depends on the seed and the row's number, not on the batch it came in.
  /// - Parameter logits: [rows, labels].
  /// - Parameter examples: number of each row in its data.
  package func draw(from logits: Matrix, examples: [Int], like gold: Targets) -> Targets {
    switch gold {
    case .classes(let gold):
      .classes(
        examples.indices.map { place in
          gold[place] < 0
            ? Targets.unlabelled : drawClass(row(logits, place), example: examples[place])
        })
    case .scores:
      .scores(
        examples.indices.map { place in
          var random = random(examples[place])
          return row(logits, place)[0] + Float(random.normal() * 0.5.squareRoot())
        })
    }
  }

  private func random(_ example: Int) -> CounterRandom {
    CounterRandom(seed, 0x6C61_6265_6C73, UInt64(example))
  }

  private func row(_ logits: Matrix, _ place: Int) -> [Float] {
    logits.rows(place..<place + 1).array()
  }

  private func drawClass(_ logits: [Float], example: Int) -> Int {
    let largest = Double(logits.max() ?? 0)
    let weights = logits.map { exp(Double($0) - largest) }
    var random = random(example)
    var rest = random.unit() * weights.reduce(0, +)
    for (label, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return label }
    }
    return logits.count - 1
  }
}
