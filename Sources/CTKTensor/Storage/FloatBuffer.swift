#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Owner of a zero-filled block of floats, aligned to a page.
///
/// Pages are committed when first written, so a generous size costs nothing
/// until it is used. The pointer is a constant of the class, which keeps
/// exclusivity checks out of the loops that run over it.
// Sendable is unchecked because callers divide the block into disjoint parts
// before they write to it from several threads.
package final class FloatBuffer: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int
  private let byteCount: Int

  package init(count: Int) {
    precondition(count >= 0)
    self.count = count
    byteCount = max(count, 1) * MemoryLayout<Float>.stride
    let mapping = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping, mapping != MAP_FAILED else {
      preconditionFailure("the system has no \(byteCount) bytes of address space left")
    }
    base = mapping.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  deinit { munmap(base, byteCount) }

  /// All floats as an array; for tests and small results.
  package func array() -> [Float] {
    Array(UnsafeBufferPointer(start: base, count: count))
  }

  /// Commits every page of a block that is still all zeros, a part by each thread.
  ///
  /// For blocks that a step would commit: threads that divide a block finely wait for each
  /// other in the kernel where they write first to neighbouring pages, on virtual machines for
  /// many microseconds a page. A page that is read first is mapped twice, the second time with
  /// an interrupt to every core.
  package func committed(by compute: Compute) -> FloatBuffer {
    let pages = (count + Self.floatsOfPage - 1) / Self.floatsOfPage
    compute.parallel(pages, weight: Self.floatsOfPage) { part in
      for page in part { base[page * Self.floatsOfPage] = 0 }
    }
    return self
  }

  /// Of the smallest pages that systems have.
  private static let floatsOfPage = 1024

  /// Sets every float to zero.
  package func clear() {
    memset(base, 0, count * MemoryLayout<Float>.stride)
  }
}
