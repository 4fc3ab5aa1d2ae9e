/// What a reader of untrusted files spends at most; `formats/torch.md` states the numbers.
enum TorchLimits {
  static let pickleByteCount = 64 << 20
  static let stackDepth = 1 << 16
  static let rank = 64
  static let tensorCount = 1 << 17
  static let containerCount = 1 << 17
  static let nestingDepth = 16
  static let nameByteCount = 1024
  /// A tensor that repeats elements may be larger than its storage up to this.
  static let expandedByteCount = 1 << 20
  /// Deflate cannot expand a byte to more.
  static let deflateRatio = 1032
  /// The newest archive version that torch itself reads.
  static let archiveVersion = 10
}
