import CKernels
package import CTKTensor

/// Memory and threads of one network in use, sized before the first step.
package final class Workspace {
  package let compute: Compute
  package let arena: Arena
  let activations: KeptActivations
  let lastLayerRows: LastLayerRows
  /// Memory of a pass's lists, which the next pass takes over once the pass is gone.
  var keptLayers: [EncoderLayer.Kept] = []
  var hiddenStates: [Matrix] = []
  var positionRows: [Int32] = []
  /// Encoded distances, for relative positions.
  let distances: DistanceTable?
  /// Scratch of each attention worker.
  private let attentionScratch: FloatBuffer
  private let scratchStride: Int

  /// - Parameter arenaCapacity: floats, from `PassSize`.
  /// - Parameter isCommitted: whether the arena takes its memory now, not as it is used.
  /// - Parameter distances: nil for absolute positions.
  package init(
    compute: Compute, arenaCapacity: Int, isCommitted: Bool, activations: KeptActivations,
    lastLayerRows: LastLayerRows, longest: Int, headSize: Int, distances: DistanceTable?
  ) {
    self.compute = compute
    self.activations = activations
    self.lastLayerRows = lastLayerRows
    self.distances = distances
    arena = Arena(capacity: arenaCapacity, committedBy: isCommitted ? compute : nil)
    let lanes = compute.kernels.lanes
    scratchStride = Arena.rounded(
      distances == nil
        ? ctk_attention_scratch(lanes, longest, headSize)
        : ctk_relative_attention_scratch(lanes, longest, headSize))
    attentionScratch = FloatBuffer(count: scratchStride * compute.threadCount)
  }

  package func scratch(of worker: Int) -> UnsafeMutablePointer<Float> {
    attentionScratch.base + worker * scratchStride
  }
}
