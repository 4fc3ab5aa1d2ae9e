/// What a reader of untrusted files spends at most; `formats/tensor-bundle.md` states them.
enum BundleLimits {
  static let indexByteCount = 64 << 20
  static let entryCount = 1 << 17
  static let keyByteCount = 1024
  static let shardCount = 1024
  static let rank = 64
}
