import CKernels
import CTKCore
import CTKTensor

/// Sum of word, position and token-type embeddings, normalised, then dropped out.
struct Embeddings {
  let words: ParameterID
  let positions: ParameterID
  let tokenTypes: ParameterID
  let norm: LayerNorm

  struct Kept {
    let norm: NormInput
  }

  /// - Parameter output: [T, E].
  func forward(
    _ batch: PackedBatch, into output: Matrix, dropout: ctk_dropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let sums = workspace.arena.takeMatrix(batch.tokenCount, output.columns)
    let compute = workspace.compute
    let (word, position, type) = (
      parameters.matrix(words), parameters.matrix(positions), parameters.matrix(tokenTypes)
    )
    compute.parallel(batch.tokenCount, weight: 3 * output.columns) { part in
      for token in part {
        let row = sums.rows(token..<token + 1).base
        row.update(from: word.row(batch.tokenIDs[token]), count: sums.columns)
        compute.kernels.add(position.row(batch.positions[token]), row, sums.columns)
        compute.kernels.add(type.row(batch.tokenTypeIDs[token]), row, sums.columns)
      }
    }
    let kept = norm.forward(
      sums, bias: nil, residual: nil, dropout: .off, into: output, parameters, workspace)
    drop(output, dropout, compute)
    return Kept(norm: kept)
  }

  /// - Parameter gradient: [T, E] of the output; overwritten.
  func backward(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, dropout: ctk_dropout,
    sink: any GradientSink, _ parameters: ParameterVector, _ compute: Compute
  ) {
    drop(gradient, dropout, compute)
    norm.backward(
      kept.norm, gradient: gradient, examples: batch.offsets, sink: sink, parameters, compute)
    for (table, indices) in [
      (words, batch.tokenIDs), (positions, batch.positions), (tokenTypes, batch.tokenTypeIDs),
    ] where sink.wants(table) {
      sink.embedding(
        table: table, indices: indices, gradient: gradient, examples: batch.offsets)
    }
  }

  private func drop(_ matrix: Matrix, _ site: ctk_dropout, _ compute: Compute) {
    if site.threshold == 0 { return }
    compute.parallel(matrix.rows, weight: matrix.columns) { part in
      let rows = matrix.rows(part)
      compute.kernels.dropout(
        rows.base, rows.base, site, UInt32(truncatingIfNeeded: part.lowerBound * matrix.columns),
        part.count * matrix.columns)
    }
  }
}

extension Matrix {
  fileprivate func row(_ index: Int32) -> UnsafeMutablePointer<Float> {
    base + Int(index) * stride
  }
}
