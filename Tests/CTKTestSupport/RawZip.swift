/// A writer of small zip archives whose records can be made to lie.
public struct RawZip: Sendable {
  public struct Member: Sendable {
    public var name: String
    public var bytes: [UInt8]
    public var method: UInt16 = 0
    public var flags: UInt16 = 0
    public var checksum: UInt32
    /// What the local header says in place of the truth.
    public var localName: String?

    public init(_ name: String, _ bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
      checksum = RawZip.crc32(bytes)
    }
  }

  public var members: [Member]
  public var comment: [UInt8] = []

  public init(_ members: [Member]) { self.members = members }

  public var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let offset = file.count
      let localName = Array((member.localName ?? member.name).utf8)
      file += Self.little(0x0403_4B50, 4) + Self.fields(member) + Self.little(localName.count, 2)
      file += Self.little(0, 2) + localName + member.bytes
      directory += Self.little(0x0201_4B50, 4) + Self.little(20, 2) + Self.fields(member)
      directory += Self.little(member.name.utf8.count, 2) + Self.little(0, 12)
      directory += Self.little(offset, 4) + Array(member.name.utf8)
    }
    let start = file.count
    file += directory + Self.little(0x0605_4B50, 4) + Self.little(0, 4)
    file += Self.little(members.count, 2) + Self.little(members.count, 2)
    file += Self.little(directory.count, 4) + Self.little(start, 4)
    return file + Self.little(comment.count, 2) + comment
  }

  /// Version, flags, method, time, checksum and sizes, which both headers have.
  private static func fields(_ member: Member) -> [UInt8] {
    little(20, 2) + little(Int(member.flags), 2) + little(Int(member.method), 2) + little(0, 4)
      + little(Int(member.checksum), 4) + little(member.bytes.count, 4)
      + little(member.bytes.count, 4)
  }

  public static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// CRC-32 bit by bit.
  public static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 {
        checksum = checksum & 1 != 0 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1
      }
    }
    return ~checksum
  }
}
