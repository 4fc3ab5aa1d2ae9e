/// A member of a zip archive.
public struct ZipEntry: Sendable, Equatable {
  public enum Method: UInt16, Sendable {
    case stored = 0
    case deflated = 8
  }

  /// Slash-separated path; ends in a slash for a folder.
  public let name: String
  public let method: Method
  /// CRC-32 of the uncompressed bytes; not checked by the directory reader.
  public let checksum: UInt32
  /// Where the stored or compressed bytes lie in the file.
  public let range: Range<Int>
  public let uncompressedByteCount: Int

  public var isFolder: Bool { name.hasSuffix("/") }
}
