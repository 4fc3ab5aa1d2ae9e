import CTKCore
package import CTKTensor
import Foundation

/// What the processor and its memory do at best, measured in the same run as what is
/// compared with them.
package struct MachineCeilings: Sendable {
  /// Floating-point operations a second of the fastest of the products tried.
  package let productRate: Double
  /// Bytes a second, read and written, of copies between blocks that no cache holds.
  package let copyRate: Double
  /// Bytes a second of SHA-256 on one thread.
  package let digestRate: Double

  package init(productRate: Double, copyRate: Double, digestRate: Double) {
    self.productRate = productRate
    self.copyRate = copyRate
    self.digestRate = digestRate
  }

  /// Most operations a second of work that does `intensity` of them for each byte.
  package func roof(intensity: Double) -> Double { min(productRate, intensity * copyRate) }

  /// - Parameter shapes: rows, depth and columns of the products to try.
  package static func measure(
    shapes: [(rows: Int, depth: Int, columns: Int)], rounds: Int, compute: Compute
  ) -> MachineCeilings {
    MachineCeilings(
      productRate: shapes.map { productRate($0, rounds: rounds, compute) }.max() ?? 0,
      copyRate: copyRate(rounds: rounds, compute), digestRate: digestRate(rounds: rounds))
  }

  private static func productRate(
    _ shape: (rows: Int, depth: Int, columns: Int), rounds: Int, _ compute: Compute
  ) -> Double {
    let buffers = [
      shape.rows * shape.depth, shape.columns * shape.depth, shape.rows * shape.columns,
    ].map { FloatBuffer(count: $0) }
    for buffer in buffers { buffer.base.update(repeating: 0.5, count: buffer.count) }
    let left = Matrix(buffers[0].base, rows: shape.rows, columns: shape.depth)
    let right = Matrix(buffers[1].base, rows: shape.columns, columns: shape.depth)
    let result = Matrix(buffers[2].base, rows: shape.rows, columns: shape.columns)
    let operations = 2 * Double(shape.rows) * Double(shape.depth) * Double(shape.columns)
    // One measurement lasts long enough for the clock and the threads' start not to matter.
    let repeats = max(1, Int(2e9 / operations))
    let seconds = Stopwatch.median(rounds: rounds) {
      for _ in 0..<repeats {
        compute.multiply(left, .plain, right, .transposed, into: result)
      }
    }
    withExtendedLifetime(buffers) {}
    return operations * Double(repeats) / seconds
  }

  private static func copyRate(rounds: Int, _ compute: Compute) -> Double {
    let count = 1 << 25
    let (source, target) = (FloatBuffer(count: count), FloatBuffer(count: count))
    source.base.update(repeating: 1, count: count)
    let seconds = Stopwatch.median(rounds: rounds) {
      compute.parallel(count, weight: 1) { part in
        (target.base + part.lowerBound).update(
          from: source.base + part.lowerBound, count: part.count)
      }
    }
    return 2 * Double(count * MemoryLayout<Float>.stride) / seconds
  }

  private static func digestRate(rounds: Int) -> Double {
    let bytes = [UInt8](repeating: 7, count: 1 << 25)
    let seconds = Stopwatch.median(rounds: rounds) {
      var hasher = StreamingDigest()
      hasher.update(bytes)
      _ = hasher.finalize()
    }
    return Double(bytes.count) / seconds
  }
}
