import Synchronization

/// Buffers that are used again and again: fresh memory costs a page fault for every
/// few kilobytes.
final class TileBuffers: Sendable {
  private struct Buffer: Sendable {
    let address: UInt
    let byteCount: Int
  }

  private let free = Mutex([Buffer]())

  deinit {
    for buffer in free.withLock({ $0 }) {
      UnsafeMutableRawPointer(bitPattern: buffer.address)?.deallocate()
    }
  }

  /// Lends uninitialized memory, for one thread alone.
  func lend<Result>(
    _ byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    let bytes = take(byteCount)
    defer { give(bytes) }
    return try body(UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount]))
  }

  /// The largest free buffer, or a new one that is large enough.
  private func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
    let found = free.withLock { free in
      free.indices.max { free[$0].byteCount < free[$1].byteCount }.map { free.remove(at: $0) }
    }
    let memory = found.flatMap { UnsafeMutableRawPointer(bitPattern: $0.address) }
    if let found, let memory, found.byteCount >= byteCount {
      return UnsafeMutableRawBufferPointer(start: memory, count: found.byteCount)
    }
    memory?.deallocate()
    return .allocate(byteCount: max(1, byteCount), alignment: 16)
  }

  private func give(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let buffer = Buffer(address: UInt(bitPattern: start), byteCount: bytes.count)
    free.withLock { $0.append(buffer) }
  }
}
