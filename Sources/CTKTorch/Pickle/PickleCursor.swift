import CTKCore

/// Reader of a pickle's bytes.
struct PickleCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  private static let lineByteLimit = 256

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func byte() throws(TorchError) -> UInt8 {
    guard position < bytes.count else { throw truncated() }
    defer { position += 1 }
    return bytes[position]
  }

  /// A little-endian number of the type's width.
  mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(TorchError) -> Number {
    let width = Number.bitWidth / 8
    guard remaining >= width else { throw truncated() }
    defer { position += width }
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  /// A length that must lie in the stream.
  mutating func length<Number: FixedWidthInteger>(_ type: Number.Type) throws(TorchError) -> Int {
    let declared = try number(type)
    guard let count = Int(exactly: declared), count >= 0, count <= remaining else {
      throw TorchError(
        .pickleDamaged,
        "a length of \(declared) bytes reaches past the end of the pickle at byte \(position)")
    }
    return count
  }

  mutating func take(_ count: Int) throws(TorchError) -> UnsafeRawBufferPointer {
    guard count <= remaining else { throw truncated() }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func text(_ count: Int) throws(TorchError) -> String {
    let start = position
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw TorchError(.pickleDamaged, "the string at byte \(start) of the pickle is not UTF-8")
    }
    return text
  }

  /// Text up to a line feed, as GLOBAL has it.
  mutating func line() throws(TorchError) -> String {
    let rest = bytes[position...].prefix(Self.lineByteLimit)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw TorchError(.pickleDamaged, "the line at byte \(position) of the pickle has no end")
    }
    let line = try text(end - position)
    position += 1
    return line
  }

  /// A two's complement number of any width; nil beyond 64 bits.
  mutating func longInteger(_ count: Int) throws(TorchError) -> Int? {
    let digits = try take(count)
    guard let top = digits.last else { return 0 }
    let filler: UInt8 = top & 0x80 != 0 ? 0xFF : 0
    guard count <= 8 || digits[8...].allSatisfy({ $0 == filler }) else { return nil }
    var value: UInt64 = filler == 0 ? 0 : .max
    for digit in digits.prefix(8).reversed() { value = value << 8 | UInt64(digit) }
    let signed = Int64(bitPattern: value)
    return (signed < 0) == (filler != 0) ? Int(signed) : nil
  }

  private func truncated() -> TorchError {
    TorchError(.pickleDamaged, "the pickle ends at byte \(bytes.count), inside an instruction")
  }
}
