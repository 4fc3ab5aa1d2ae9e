import CKernels
import CTKCore
import CTKTensor

/// The sum of embeddings a family has, then what it has of normalisation, dropout and
/// a projection to the hidden width.
struct Embeddings {
  let words: ParameterID
  let positions: PositionTable?
  let tokenTypes: ParameterID?
  let norm: LayerNorm?
  let projection: Linear?

  struct Kept {
    let norm: NormInput?
    /// [T, E], the projection's input.
    let embedded: Matrix
    let positionRows: [Int32]
    /// The sequences without noise; behind them word embeddings are constants.
    let clean: PackedBatch
  }

  /// - Parameter output: [T, H].
  func forward(
    _ batch: PackedBatch, into output: Matrix, dropout: ctk_dropout, noise: EmbeddingNoise?,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let width = parameters.layout[words].columns
    let embedded = projection == nil ? output : arena.takeMatrix(batch.tokenCount, width)
    let sums = norm == nil ? embedded : arena.takeMatrix(batch.tokenCount, width)
    let positionRows = positions?.rows(batch, &workspace.positionRows) ?? []
    addUp(batch, positionRows, into: sums, parameters, compute)
    let clean = noise?.clean ?? batch
    noise?.add(to: sums.rows(clean.tokenCount..<batch.tokenCount), compute)
    let keptNorm = norm?.forward(
      sums, residual: nil, dropout: .off, into: embedded, parameters, workspace)
    if dropout.threshold != 0 { compute.drop(embedded, into: embedded, dropout) }
    projection?.forward(embedded, into: output, parameters, compute)
    return Kept(norm: keptNorm, embedded: embedded, positionRows: positionRows, clean: clean)
  }

  private func addUp(
    _ batch: PackedBatch, _ positionRows: [Int32], into sums: Matrix,
    _ parameters: ParameterVector, _ compute: Compute
  ) {
    let word = parameters.matrix(words)
    let position = positions.map { parameters.matrix($0.table) }
    let type = tokenTypes.map { parameters.matrix($0) }
    compute.parallel(batch.tokenCount, weight: 3 * sums.columns) { part in
      for token in part {
        let row = sums.rows(token..<token + 1).base
        row.update(from: word.row(batch.tokenIDs[token]), count: sums.columns)
        if let position {
          compute.kernels.add(position.row(positionRows[token]), row, sums.columns)
        }
        if let type {
          compute.kernels.add(type.row(batch.tokenTypeIDs[token]), row, sums.columns)
        }
      }
    }
  }

  /// - Parameter gradient: [T, H] of the output; overwritten.
  func backward(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, dropout: ctk_dropout,
    sink: any GradientSink, _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    let compute = workspace.compute
    let slope = backwardProjection(
      kept, gradient: gradient, batch: batch, sink: sink, parameters, workspace)
    if dropout.threshold != 0 { compute.drop(slope, into: slope, dropout) }
    if let norm, let keptNorm = kept.norm {
      norm.backward(
        keptNorm, gradient: slope, examples: batch.tokenRows, sink: sink, parameters, compute)
    }
    func lookUp(_ table: ParameterID?, _ indices: [Int32], _ batch: PackedBatch) {
      guard let table, sink.wants(table) else { return }
      sink.embedding(
        table: table, indices: indices, gradient: slope.rows(0..<batch.tokenCount),
        examples: batch.tokenRows)
    }
    lookUp(words, kept.clean.tokenIDs, kept.clean)
    lookUp(positions?.table, kept.positionRows, batch)
    lookUp(tokenTypes, batch.tokenTypeIDs, batch)
  }

  /// - Returns: the gradient of the projection's input.
  private func backwardProjection(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, sink: any GradientSink,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Matrix {
    guard let projection else { return gradient }
    projection.backwardParameters(
      input: kept.embedded, outputGradient: gradient, examples: batch.tokenRows, sink: sink)
    let slope = workspace.arena.takeMatrix(gradient.rows, kept.embedded.columns)
    projection.backwardInput(
      gradient, into: slope, accumulates: false, parameters, workspace.compute)
    return slope
  }
}

/// A table of absolute positions and the rows that tokens take in it.
struct PositionTable {
  let table: ParameterID
  /// Row of a sequence's first token.
  let first: Int
  /// The id that takes the row before the first one and does not advance the count, as
  /// RoBERTa counts; nil when every token counts.
  let padding: Int?

  /// - Parameter rows: memory of the last batch's rows, for those of this one.
  func rows(_ batch: PackedBatch, _ rows: inout [Int32]) -> [Int32] {
    guard let padding else { return batch.positions }
    rows.removeAll(keepingCapacity: true)
    for sequence in 0..<batch.sequenceCount {
      var skipped: Int32 = 0
      for token in batch.offsets[sequence]..<batch.offsets[sequence + 1] {
        let isPadding = batch.tokenIDs[token] == padding
        if isPadding { skipped += 1 }
        rows.append(Int32(first) + (isPadding ? -1 : batch.positions[token] - skipped))
      }
    }
    return rows
  }
}

extension Matrix {
  fileprivate func row(_ index: Int32) -> UnsafeMutablePointer<Float> {
    base + Int(index) * stride
  }
}
