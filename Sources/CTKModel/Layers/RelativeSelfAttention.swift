import CKernels
import CTKTensor

/// Multi-head attention with relative positions within each sequence of a batch.
struct RelativeSelfAttention {
  let headCount: Int
  let headSize: Int

  private var width: Int { headCount * headSize }

  struct Operands {
    /// [T, 3H]: queries, keys and values side by side.
    let projections: Matrix
    /// [rows, H].
    let distanceKeys: Matrix
    let positions: RelativePositions
    let biases: RelativeBiases.Pointers
  }

  /// Where gradients go; every sequence has rows of its own.
  struct Gradients {
    /// [T, 3H].
    let projections: Matrix
    /// [rows, H] with 2 L - 1 rows for each sequence.
    let distanceKeys: Matrix
    let distanceRows: ExampleRows
    /// [B, H] each.
    let contentBias: Matrix
    let distanceBias: Matrix
    let segmentBias: Matrix
    /// [B, 2H].
    let segmentEmbedding: Matrix
  }

  /// - Parameter output: [T, H].
  /// - Parameter logSums: [heads, T]; what backward needs of the probabilities.
  func forward(
    _ operands: Operands, batch: PackedBatch, dropout: ctk_dropout, into output: Matrix,
    logSums: UnsafeMutablePointer<Float>, _ workspace: Workspace
  ) {
    let (tokens, longest) = (batch.tokenCount, batch.longest)
    forEachHead(batch, workspace.compute) { sequence, head, segments, worker in
      var view = self.head(head, of: sequence, operands, batch, longest, segments, dropout)
      let first = batch.offsets[sequence]
      workspace.compute.kernels.relative_attention_forward(
        &view, output.base + first * output.stride + head * headSize, output.stride,
        logSums + head * tokens + first, workspace.scratch(of: worker))
    }
  }

  func backward(
    _ operands: Operands, batch: PackedBatch, dropout: ctk_dropout, output: Matrix,
    outputGradient: Matrix, logSums: UnsafeMutablePointer<Float>, into gradients: Gradients,
    _ workspace: Workspace
  ) {
    precondition(output.stride == outputGradient.stride)
    let (tokens, longest) = (batch.tokenCount, batch.longest)
    forEachHead(batch, workspace.compute) { sequence, head, segments, worker in
      var view = self.head(head, of: sequence, operands, batch, longest, segments, dropout)
      var target = self.target(head, of: sequence, gradients, batch)
      let first = batch.offsets[sequence]
      let place = first * output.stride + head * headSize
      workspace.compute.kernels.relative_attention_backward(
        &view, output.base + place, outputGradient.base + place, output.stride,
        logSums + head * tokens + first, &target, workspace.scratch(of: worker))
    }
  }

  private func forEachHead(
    _ batch: PackedBatch, _ compute: Compute,
    _ body: (
      _ sequence: Int, _ head: Int, _ segments: UnsafePointer<Int32>?, _ worker: Int
    ) -> Void
  ) {
    batch.tokenTypeIDs.withUnsafeBufferPointer { types in
      // Read only, by every worker.
      nonisolated(unsafe) let segments = batch.hasTokenTypes ? types.baseAddress : nil
      compute.forEachHead(of: batch, headCount: headCount) { sequence, head, worker in
        body(sequence, head, segments.map { $0 + batch.offsets[sequence] }, worker)
      }
    }
  }

  private func head(
    _ head: Int, of sequence: Int, _ operands: Operands, _ batch: PackedBatch, _ longest: Int,
    _ segments: UnsafePointer<Int32>?, _ dropout: ctk_dropout
  ) -> ctk_relative_head {
    let column = head * headSize
    let biases = operands.biases
    return ctk_relative_head(
      head: SelfAttention(headCount: headCount, headSize: headSize).head(
        head, of: sequence, operands.projections, batch, longest, dropout),
      distance_key: operands.distanceKeys.base
        + operands.positions.firstRow(of: sequence, batch) * operands.distanceKeys.stride + column,
      distance_stride: operands.distanceKeys.stride,
      content_bias: biases.content + column, distance_bias: biases.distance + column,
      segment_bias: biases.segment + column,
      segment_embedding: biases.segmentEmbedding + column, segment_stride: width,
      segments: segments)
  }

  private func target(
    _ head: Int, of sequence: Int, _ gradients: Gradients, _ batch: PackedBatch
  ) -> ctk_relative_gradient {
    let column = head * headSize
    let projections = gradients.projections
    let query = projections.base + batch.offsets[sequence] * projections.stride + column
    return ctk_relative_gradient(
      query: query, key: query + width, value: query + 2 * width, stride: projections.stride,
      distance_key: gradients.distanceKeys.base
        + gradients.distanceRows.start(sequence) * gradients.distanceKeys.stride + column,
      distance_stride: gradients.distanceKeys.stride,
      content_bias: gradients.contentBias.base + sequence * width + column,
      distance_bias: gradients.distanceBias.base + sequence * width + column,
      segment_bias: gradients.segmentBias.base + sequence * width + column,
      segment_embedding: gradients.segmentEmbedding.base + 2 * sequence * width + column,
      segment_stride: width)
  }
}
