import CKernels
package import CTKTensor

/// Memory and threads of one network in use, sized before the first step.
package final class Workspace {
  package let compute: Compute
  package let arena: Arena
  /// Scratch of each attention worker.
  private let attentionScratch: FloatBuffer
  private let scratchStride: Int

  /// - Parameter arenaCapacity: floats, from `Encoder.arenaCapacity`.
  package init(compute: Compute, arenaCapacity: Int, longest: Int, headSize: Int) {
    self.compute = compute
    arena = Arena(capacity: arenaCapacity)
    scratchStride = Arena.rounded(
      ctk_attention_scratch(compute.kernels.lanes, longest, headSize))
    attentionScratch = FloatBuffer(count: scratchStride * compute.threadCount)
  }

  package func scratch(of worker: Int) -> UnsafeMutablePointer<Float> {
    attentionScratch.base + worker * scratchStride
  }
}

/// Where dropout draws its randomness in one step.
package struct DropoutStream: Sendable {
  package let seed: UInt64
  package let step: UInt64

  package init(seed: UInt64, step: UInt64) {
    self.seed = seed
    self.step = step
  }

  /// The places of a network that drop entries.
  package enum Place: UInt64 {
    case embeddings = 1
    case attention
    case attentionOutput
    case feedForwardOutput
    case classifier
  }

  func site(_ place: Place, layer: Int = 0, probability: Float) -> ctk_dropout {
    ctk_dropout(
      probability: probability,
      random: CounterRandom(seed, step, place.rawValue, UInt64(layer)))
  }
}
