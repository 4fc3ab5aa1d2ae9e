/// Names and limits of `formats/mask.md`.
public enum MaskFormat {
  public static let name = "ctk-mask"
  static let version = "1"
  static let streamPrefix = "tensor:"
  /// Positions are 32-bit.
  static let elementLimit = 1 << 32

  /// Most positions that a stream of some bytes may hold, so that a small file
  /// cannot fill the memory.
  static func positionLimit(streamByteCount: Int) -> Int { 256 * streamByteCount + 65_536 }
}
