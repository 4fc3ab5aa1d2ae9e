package import CKernels
import CTKTensor

/// Noise on the word embeddings of some sequences, which are constants then: no gradient
/// reaches the table through them.
package struct EmbeddingNoise: Sendable {
  /// All sequences from this one on get noise.
  package let firstSequence: Int
  package let noise: ctk_noise

  package init(firstSequence: Int, noise: ctk_noise) {
    self.firstSequence = firstSequence
    self.noise = noise
  }

  /// - Parameter rows: [tokens with noise, E].
  func add(to rows: Matrix, _ compute: Compute) {
    precondition(rows.isContiguous)
    compute.parallel(rows.rows, weight: 4 * rows.columns) { part in
      compute.kernels.add_noise(
        rows.rows(part).base, noise,
        UInt32(truncatingIfNeeded: part.lowerBound * rows.columns), part.count * rows.columns)
    }
  }
}
