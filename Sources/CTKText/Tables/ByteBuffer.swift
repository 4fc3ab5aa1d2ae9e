/// Growing bytes whose room is reserved before they are written without checks.
package struct ByteBuffer: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 256) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  /// The bytes written so far; valid until the next mutation.
  package var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base, count: count)
  }

  /// Empties the buffer and makes room for `room` bytes.
  mutating func reset(room: Int) {
    count = 0
    if room <= capacity { return }
    base.deallocate()
    capacity = room
    base = .allocate(capacity: room)
  }

  /// Makes room for `room` more bytes.
  @inline(__always)
  mutating func reserve(_ room: Int) {
    if count + room > capacity { grow(to: 2 * (count + room)) }
  }

  private mutating func grow(to newCapacity: Int) {
    let bigger = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
    bigger.update(from: base, count: count)
    base.deallocate()
    base = bigger
    capacity = newCapacity
  }

  /// Appends bytes and makes the room for them.
  mutating func append(contentsOf bytes: UnsafeBufferPointer<UInt8>) {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
    reserve(bytes.count)
    (base + count).update(from: source, count: bytes.count)
    count += bytes.count
  }

  /// Appends within the room reserved.
  @inline(__always)
  mutating func append(_ byte: UInt8) {
    base[count] = byte
    count += 1
  }

  /// Writes a byte and keeps it only when asked, which avoids a branch.
  @inline(__always)
  mutating func append(_ byte: UInt8, if isKept: Bool) {
    base[count] = byte
    count += isKept ? 1 : 0
  }

  /// Appends a scalar as UTF-8 within the room reserved.
  mutating func append(scalar: UInt32) {
    switch scalar {
    case 0..<0x80:
      append(UInt8(truncatingIfNeeded: scalar))
    case 0x80..<0x800:
      append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
      appendContinuation(scalar)
    case 0x800..<0x10000:
      append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
      appendContinuation(scalar >> 6)
      appendContinuation(scalar)
    default:
      append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
      appendContinuation(scalar >> 12)
      appendContinuation(scalar >> 6)
      appendContinuation(scalar)
    }
  }

  @inline(__always)
  private mutating func appendContinuation(_ bits: UInt32) {
    append(UInt8(truncatingIfNeeded: 0x80 | bits & 0x3F))
  }
}
