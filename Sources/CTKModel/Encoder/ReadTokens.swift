import CKernels
import CTKCore
import CTKTensor

/// Which rows of the last layer's output a pass forms.
package enum LastLayerRows: Sendable {
  /// Those that the head reads: one for each sequence where it reads one token of each.
  case read
  /// Every token's.
  case all
}

/// The one token of each sequence whose last hidden state the head reads.
///
/// The last layer then has a query, a context and a feed-forward block for B tokens instead
/// of T, and keys and values for all of them.
struct ReadTokens {
  /// First token of each sequence, and the token count at the end.
  let offsets: [Int]
  /// Which one it is; not the mean.
  let summary: SequenceSummary.Kind

  /// The token of a sequence among all of the batch.
  subscript(sequence: Int) -> Int { summary.tokens(offsets, sequence).lowerBound }

  /// The token of a sequence among its own.
  func place(in sequence: Int) -> Int { self[sequence] - offsets[sequence] }

  /// - Parameter matrix: [T, C].
  /// - Parameter rows: [B, C], overwritten.
  func gather(_ matrix: Matrix, into rows: Matrix) {
    summary.gather(matrix, offsets, into: rows)
  }

  /// Adds [B, C] to the tokens' rows of [T, C].
  func add(_ rows: Matrix, to matrix: Matrix, _ compute: Compute) {
    for row in 0..<rows.rows {
      compute.kernels.add(
        rows.base + row * rows.stride, matrix.base + self[row] * matrix.stride, rows.columns)
    }
  }
}

extension ReadTokens? {
  /// Hands over runs of rows whose tokens follow each other, with the first token of each:
  /// dropout counts the entries of all tokens, whether or not they have a row.
  func forEachRun(of rows: Range<Int>, _ body: (_ rows: Range<Int>, _ token: Int) -> Void) {
    guard let self else { return body(rows, rows.lowerBound) }
    for row in rows { body(row..<row + 1, self[row]) }
  }
}
