import CKernels
import CTKCore
import CTKTensor
import Foundation

/// Sinusoids of the distances between tokens, from the largest distance down.
///
/// Row r is the distance `longest - 1 - r`, so the 2 L - 1 distances of a shorter
/// sequence are rows in the middle.
package final class DistanceTable: Sendable {
  /// Tokens of the longest sequence it serves.
  let longest: Int
  private let storage: FloatBuffer
  private let width: Int

  /// - Parameter limit: distances are cut off at it; nil for no limit.
  init(longest: Int, width: Int, limit: Int?) {
    self.longest = longest
    self.width = width
    storage = FloatBuffer(count: max(2 * longest - 1, 0) * width)
    // The exponents, frequencies and angles are rounded to f32 one by one, as the
    // original code's are: the table is part of the model.
    let half = width / 2
    let frequencies = (0..<half).map { lane in
      1 / Float(pow(10_000, Double(Float(2 * lane) / Float(width))))
    }
    for row in 0..<max(2 * longest - 1, 0) {
      let distance = longest - 1 - row
      let clamped = limit.map { min(max(distance, -$0), $0) } ?? distance
      for (lane, frequency) in frequencies.enumerated() {
        let angle = Double(Float(clamped) * frequency)
        storage.base[row * width + lane] = Float(sin(angle))
        storage.base[row * width + half + lane] = Float(cos(angle))
      }
    }
  }

  /// [2 L - 1, H] for sequences of that length.
  func rows(length: Int) -> Matrix {
    Matrix(
      storage.base + (longest - length) * width, rows: 2 * length - 1, columns: width)
  }
}

/// The encoded distances of one batch.
struct RelativePositions {
  /// [rows, H].
  let encodings: Matrix
  /// Whether all sequences read the same rows; dropout gives each its own.
  let isShared: Bool

  init(_ batch: PackedBatch, dropout: ctk_dropout, _ workspace: Workspace) {
    guard let table = workspace.distances else {
      preconditionFailure("the workspace was made for absolute positions")
    }
    let shared = table.rows(length: batch.longest)
    isShared = dropout.threshold == 0
    if isShared {
      encodings = shared
    } else {
      encodings = Self.separate(batch, of: shared, workspace)
      workspace.compute.drop(encodings, into: encodings, dropout)
    }
  }

  /// First row of a sequence, for its largest distance.
  func firstRow(of sequence: Int, _ batch: PackedBatch) -> Int {
    isShared ? batch.longest - batch.length(sequence) : batch.distanceRows.start(sequence)
  }

  /// Encodings with separate rows for every sequence.
  func separated(_ batch: PackedBatch, _ workspace: Workspace) -> Matrix {
    isShared ? Self.separate(batch, of: encodings, workspace) : encodings
  }

  private static func separate(
    _ batch: PackedBatch, of shared: Matrix, _ workspace: Workspace
  ) -> Matrix {
    let distances = batch.distanceRows
    let result = workspace.arena.takeMatrix(distances.total, shared.columns)
    for sequence in 0..<batch.sequenceCount {
      let rows = distances.rows(of: sequence)
      let first = batch.longest - batch.length(sequence)
      result.rows(rows).base.update(
        from: shared.base + first * shared.stride, count: rows.count * shared.columns)
    }
    return result
  }

  /// Adds up the rows that sequences share: from separate rows to one row a distance.
  func folded(_ separate: Matrix, _ batch: PackedBatch, _ workspace: Workspace) -> Matrix {
    let result = workspace.arena.takeMatrix(encodings.rows, separate.columns)
    result.base.update(repeating: 0, count: result.rows * result.columns)
    for sequence in 0..<batch.sequenceCount {
      let rows = batch.distanceRows.rows(of: sequence)
      workspace.compute.kernels.add(
        separate.rows(rows).base,
        result.base + firstRow(of: sequence, batch) * result.stride,
        rows.count * separate.columns)
    }
    return result
  }
}
