import CKernels
import CTKModel
import CTKTensor

/// Settings of R3F: a penalty on outputs that noise on the word embeddings changes.
///
/// `L = task loss + weight * S(f(x), f(x + z))`, S being `Loss.addDivergence`.
package struct R3F: Sendable, Equatable {
  package enum Noise: String, Sendable, CaseIterable {
    case uniform
    case normal
  }

  package var weight = 1.0
  /// Half the width of uniform noise, or the deviation of normal noise.
  package var epsilon = 1e-5
  package var noise = Noise.uniform

  package init() {}

  /// The noise of one step on the second half of a doubled batch.
  func noise(after clean: PackedBatch, seed: UInt64, step: Int) -> EmbeddingNoise {
    EmbeddingNoise(
      after: clean,
      noise: ctk_noise(
        scale: Float(epsilon), isNormal: noise == .normal,
        random: CounterRandom(seed, UInt64(step), RandomPurpose.embeddingNoise.rawValue)))
  }

  /// Turns the logits of a doubled batch into the gradient of the whole loss.
  ///
  /// - Parameter logits: [2 B, labels], or [2 T, labels] of tokens; the clean half first.
  /// - Parameter scale: of the rule's losses, and of the divergence of each row.
  /// - Parameter arena: takes a copy of the logits.
  /// - Returns: the sum of the task's losses of the clean rows.
  func gradient(
    of logits: Matrix, targets: Targets, rule: LossRule, scale: (loss: Float, row: Float),
    _ arena: Arena
  ) -> Double {
    precondition(logits.isContiguous && logits.rows == 2 * targets.count)
    let (count, values) = (targets.count, arena.takeMatrix(logits.rows, logits.columns))
    values.base.update(from: logits.base, count: logits.rows * logits.columns)
    let loss = Loss.gradient(
      of: logits.rows(0..<count), targets: targets, weight: scale.loss, rule: rule)
    logits.rows(count..<2 * count).base.update(repeating: 0, count: count * logits.columns)
    for row in 0..<count where targets.isLabelled(row) {
      _ = Loss.addDivergence(
        of: values, row: row, to: logits, weight: weight * Double(scale.row))
    }
    return loss
  }
}

/// What a method draws random numbers for; part of the key of its streams.
enum RandomPurpose: UInt64 {
  case gradientMask = 0x6772_6164
  case mixture = 0x6D69_786F
  case embeddingNoise = 0x6E6F_6973
}
