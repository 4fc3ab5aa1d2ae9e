/// A writer of one-block tables and of the messages in them, by rules of its own.
public struct RawTable: Sendable {
  public enum Field: Sendable {
    case number(Int)
    case bytes([UInt8])
  }

  public typealias Entry = (key: [UInt8], value: [UInt8])

  public var entries: [Entry]
  public var blockType: UInt8

  public init(entries: [Entry], blockType: UInt8 = 0) {
    self.entries = entries
    self.blockType = blockType
  }

  public var bytes: [UInt8] { bytes { _ in } }

  /// The file, with the block of entries changed before its checksum is made.
  public func bytes(changing change: (inout [UInt8]) -> Void) -> [UInt8] {
    var entries = Self.block(entries) + [blockType]
    change(&entries)
    let data = Self.signed(entries)
    let handle = Self.varint(0) + Self.varint(data.count - 5)
    let index = Self.signed(Self.block([([0xFF], handle)]) + [0])
    var footer = Self.varint(0) + Self.varint(0)
    footer += Self.varint(data.count) + Self.varint(index.count - 5)
    footer += [UInt8](repeating: 0, count: 40 - footer.count)
    footer += [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    return data + index + footer
  }

  private static func block(_ entries: [Entry]) -> [UInt8] {
    var block: [UInt8] = []
    for (key, value) in entries {
      block += varint(0) + varint(key.count) + varint(value.count) + key + value
    }
    return block + [0, 0, 0, 0, 1, 0, 0, 0]
  }

  private static func signed(_ block: [UInt8]) -> [UInt8] {
    let checksum = crc32c(block)
    let masked = (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    return block + (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * $0)) }
  }

  public static func message(_ fields: [(number: Int, value: Field)]) -> [UInt8] {
    fields.flatMap { number, value in
      switch value {
      case .number(let value): varint(number << 3) + varint(value)
      case .bytes(let bytes): varint(number << 3 | 2) + varint(bytes.count) + bytes
      }
    }
  }

  public static func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// CRC-32C bit by bit.
  public static func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 {
        checksum = checksum & 1 != 0 ? checksum >> 1 ^ 0x82F6_3B78 : checksum >> 1
      }
    }
    return ~checksum
  }
}
