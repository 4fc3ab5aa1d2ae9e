/// Names and limits of `formats/mask.md`.
public enum MaskFormat {
  public static let name = "ctk-mask"
  static let streamPrefix = "tensor:"
  /// Positions are 32-bit.
  static let elementLimit = 1 << 32

  /// Most positions that a stream of some bytes may hold, so that a small file
  /// cannot fill the memory.
  static func positionLimit(streamByteCount: Int) -> Int { 256 * streamByteCount + 65_536 }
}

/// Versions of a mask, which differ in where its file keeps table and streams.
enum MaskVersion: String, Sendable, CaseIterable {
  /// The table is metadata.
  case plain = "1"
  /// The table is a stream, and the others are joined to one.
  case joined = "2"
}
