import CKernels
import CTKTensor

/// Attention of one query of each sequence to all of its tokens.
extension SelfAttention {
  /// - Parameter queries: [B, H].
  /// - Parameter projections: [T, 2H]: keys and values side by side.
  /// - Parameter output: [B, H].
  /// - Parameter logSums: [heads, B].
  func forward(
    _ queries: Matrix, of tokens: ReadTokens, _ projections: Matrix, batch: PackedBatch,
    dropout: ctk_dropout, into output: Matrix, logSums: UnsafeMutablePointer<Float>,
    _ workspace: Workspace
  ) {
    let (count, longest) = (batch.sequenceCount, batch.longest)
    workspace.compute.forEachHead(of: batch, headCount: headCount) { sequence, head, worker in
      var view = self.head(
        head, of: sequence, queries, tokens, projections, batch, longest, dropout)
      workspace.compute.kernels.attention_forward(
        &view, output.base + sequence * output.stride + head * headSize, output.stride,
        logSums + head * count + sequence, workspace.scratch(of: worker))
    }
  }

  /// - Parameter queryGradient: [B, H], overwritten.
  /// - Parameter projectionGradient: [T, 2H], overwritten.
  func backward(
    _ queries: Matrix, of tokens: ReadTokens, _ projections: Matrix, batch: PackedBatch,
    dropout: ctk_dropout, output: Matrix, outputGradient: Matrix,
    logSums: UnsafeMutablePointer<Float>, into queryGradient: Matrix,
    _ projectionGradient: Matrix, _ workspace: Workspace
  ) {
    precondition(output.stride == outputGradient.stride)
    let (count, longest) = (batch.sequenceCount, batch.longest)
    workspace.compute.forEachHead(of: batch, headCount: headCount) { sequence, head, worker in
      var view = self.head(
        head, of: sequence, queries, tokens, projections, batch, longest, dropout)
      let place = sequence * output.stride + head * headSize
      let keyGradient =
        projectionGradient.base + batch.offsets[sequence] * projectionGradient.stride
        + head * headSize
      workspace.compute.kernels.attention_backward(
        &view, output.base + place, outputGradient.base + place, output.stride,
        logSums + head * count + sequence,
        queryGradient.base + sequence * queryGradient.stride + head * headSize, keyGradient,
        keyGradient + width, projectionGradient.stride, workspace.scratch(of: worker))
    }
  }

  private func head(
    _ head: Int, of sequence: Int, _ queries: Matrix, _ tokens: ReadTokens,
    _ projections: Matrix, _ batch: PackedBatch, _ longest: Int, _ dropout: ctk_dropout
  ) -> ctk_attention_head {
    let length = batch.length(sequence)
    let key =
      projections.base + batch.offsets[sequence] * projections.stride + head * headSize
    return ctk_attention_head(
      query: queries.base + sequence * queries.stride + head * headSize, query_count: 1,
      key: key, value: key + width, stride: projections.stride, length: length,
      head_size: headSize, score_scale: scoreScale, dropout: dropout,
      dropout_base: dropoutBase(head, of: sequence, batch, longest)
        &+ UInt32(truncatingIfNeeded: tokens.place(in: sequence) * length))
  }
}
