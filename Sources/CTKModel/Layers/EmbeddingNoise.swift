package import CKernels
import CTKTensor

/// Noise on the word embeddings of the second half of a doubled batch, which are constants
/// then: no gradient reaches the table through them.
package struct EmbeddingNoise: Sendable {
  /// The sequences without noise: the first half.
  package let clean: PackedBatch
  package let noise: ctk_noise

  package init(after clean: PackedBatch, noise: ctk_noise) {
    self.clean = clean
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
