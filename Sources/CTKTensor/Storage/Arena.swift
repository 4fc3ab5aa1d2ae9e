/// A bump allocator for the activations of one step.
///
/// Sized once from the largest batch; `reset` starts the next step on the same
/// memory, so a step allocates nothing.
package final class Arena {
  private let buffer: FloatBuffer
  private var used = 0
  /// Most floats that were in use at once.
  package private(set) var peak = 0

  /// Floats between the starts of two blocks are a multiple of this.
  private static let alignment = 16

  /// - Parameter compute: commits the memory at once; nil leaves that to the first steps.
  package init(capacity: Int, committedBy compute: Compute? = nil) {
    let buffer = FloatBuffer(count: capacity)
    self.buffer = compute.map { buffer.committed(by: $0) } ?? buffer
  }

  package var capacity: Int { buffer.count }

  /// Space for a block, as `take` rounds it.
  package static func rounded(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }

  /// Uninitialised floats that stay valid until the next `reset`.
  package func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let start = used
    used += Arena.rounded(count)
    peak = max(peak, used)
    precondition(used <= buffer.count, "the arena of \(buffer.count) floats is too small")
    return buffer.base + start
  }

  package func takeMatrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(take(rows * columns), rows: rows, columns: columns)
  }

  /// Returns to an earlier fill, recorded by `mark`.
  package func release(to mark: Int) { used = mark }

  package var mark: Int { used }

  package func reset() { used = 0 }
}
