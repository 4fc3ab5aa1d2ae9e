import Crypto

/// A SHA-256 digest.
public struct Digest: Sendable, Hashable, CustomStringConvertible {
  public let bytes: [UInt8]

  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// Reads 64 lower-case hexadecimal digits.
  public init?(hex: String) {
    let digits = Array(hex.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for pair in 0..<32 {
      guard let high = Self.nibble(digits[2 * pair]), let low = Self.nibble(digits[2 * pair + 1])
      else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  public var description: String { hex }

  public static func of(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var hasher = StreamingDigest()
    hasher.update(bytes)
    return hasher.finalize()
  }

  public static func of(_ bytes: [UInt8]) -> Digest {
    bytes.withUnsafeBytes { of($0) }
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }
}

/// SHA-256 over bytes that arrive in pieces.
public struct StreamingDigest {
  private var hasher = SHA256()

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hasher.update(bufferPointer: bytes)
  }

  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
  }

  public mutating func update(_ text: String) { update(Array(text.utf8)) }

  public func finalize() -> Digest {
    Digest(unchecked: Array(hasher.finalize()))
  }
}

extension Digest {
  fileprivate init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}
