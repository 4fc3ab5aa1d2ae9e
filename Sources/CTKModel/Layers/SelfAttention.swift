import CKernels
import CTKTensor

/// Multi-head scaled dot-product attention within each sequence of a batch.
struct SelfAttention {
  let headCount: Int
  let headSize: Int

  var width: Int { headCount * headSize }

  /// - Parameter projections: [T, 3H]: queries, keys and values side by side.
  /// - Parameter output: [T, H].
  /// - Parameter logSums: [heads, T]; what backward needs of the probabilities.
  func forward(
    _ projections: Matrix, batch: PackedBatch, dropout: ctk_dropout, into output: Matrix,
    logSums: UnsafeMutablePointer<Float>, _ workspace: Workspace
  ) {
    let (tokens, longest) = (batch.tokenCount, batch.longest)
    workspace.compute.forEachHead(of: batch, headCount: headCount) { sequence, head, worker in
      var view = self.head(head, of: sequence, projections, batch, longest, dropout)
      let first = batch.offsets[sequence]
      workspace.compute.kernels.attention_forward(
        &view, output.base + first * output.stride + head * headSize, output.stride,
        logSums + head * tokens + first, workspace.scratch(of: worker))
    }
  }

  /// - Parameter projectionGradient: [T, 3H], overwritten.
  func backward(
    _ projections: Matrix, batch: PackedBatch, dropout: ctk_dropout, output: Matrix,
    outputGradient: Matrix, logSums: UnsafeMutablePointer<Float>,
    into projectionGradient: Matrix, _ workspace: Workspace
  ) {
    precondition(output.stride == outputGradient.stride)
    let (tokens, longest) = (batch.tokenCount, batch.longest)
    workspace.compute.forEachHead(of: batch, headCount: headCount) { sequence, head, worker in
      var view = self.head(head, of: sequence, projections, batch, longest, dropout)
      let first = batch.offsets[sequence]
      let place = first * output.stride + head * headSize
      let gradient =
        projectionGradient.base + first * projectionGradient.stride + head * headSize
      workspace.compute.kernels.attention_backward(
        &view, output.base + place, outputGradient.base + place, output.stride,
        logSums + head * tokens + first, gradient, gradient + width, gradient + 2 * width,
        projectionGradient.stride, workspace.scratch(of: worker))
    }
  }

  /// The operands of one head over one sequence.
  func head(
    _ head: Int, of sequence: Int, _ projections: Matrix, _ batch: PackedBatch,
    _ longest: Int, _ dropout: ctk_dropout
  ) -> ctk_attention_head {
    let first = batch.offsets[sequence]
    let length = batch.length(sequence)
    let query = projections.base + first * projections.stride + head * headSize
    return ctk_attention_head(
      query: query, query_count: length, key: query + width, value: query + 2 * width,
      stride: projections.stride, length: length, head_size: headSize, score_scale: scoreScale,
      dropout: dropout, dropout_base: dropoutBase(head, of: sequence, batch, longest))
  }

  var scoreScale: Float { 1 / Float(headSize).squareRoot() }

  /// Rows of probabilities are numbered sequence by sequence and head by head; none is longer
  /// than the batch's longest sequence.
  func dropoutBase(
    _ head: Int, of sequence: Int, _ batch: PackedBatch, _ longest: Int
  ) -> UInt32 {
    let row = batch.offsets[sequence] * headCount + head * batch.length(sequence)
    return UInt32(truncatingIfNeeded: row * longest)
  }
}
