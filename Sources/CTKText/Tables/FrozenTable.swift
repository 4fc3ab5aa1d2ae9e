/// A table that never changes, in memory of its own, so that hot loops index a plain pointer.
///
/// The pointer lies in the value itself: reading the table counts no references.
struct FrozenTable<Element: BitwiseCopyable & Sendable>: Sendable {
  // Safe to share: written once before the table exists, read only until the owner goes.
  nonisolated(unsafe) let base: UnsafePointer<Element>
  let count: Int
  private let owner: FrozenMemory

  init(_ elements: [Element]) {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    for (position, element) in elements.enumerated() {
      (memory + position).initialize(to: element)
    }
    base = UnsafePointer(memory)
    count = elements.count
    owner = FrozenMemory(memory)
  }
}

/// Frees the memory of a table with its last copy.
private final class FrozenMemory: Sendable {
  // Safe to share: only `deinit` uses it.
  nonisolated(unsafe) private let memory: UnsafeMutableRawPointer

  init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

  deinit { memory.deallocate() }
}
