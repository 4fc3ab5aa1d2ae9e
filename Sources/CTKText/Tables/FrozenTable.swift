/// A table that never changes, in memory of its own, so that hot loops index a plain pointer.
final class FrozenTable<Element: BitwiseCopyable & Sendable>: Sendable {
  // Safe to share: written once in `init`, read only until `deinit`.
  nonisolated(unsafe) let base: UnsafePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
    for (position, element) in elements.enumerated() {
      (memory + position).initialize(to: element)
    }
    base = UnsafePointer(memory)
    count = elements.count
  }

  deinit { base.deallocate() }
}
