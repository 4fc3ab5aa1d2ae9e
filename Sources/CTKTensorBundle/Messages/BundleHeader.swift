import CTKCore

/// TensorFlow's BundleHeaderProto, under the empty key.
struct BundleHeader {
  private(set) var shardCount = 0

  private static let knownVersion = 1

  /// - Throws: `bundle.damaged`, `bundle.unsupported`, `bundle.limit-exceeded`.
  init(_ bytes: UnsafeRawBufferPointer) throws(TensorBundleError) {
    var reader = BundleMessage(bytes)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .varint(let count)):
        guard (1...UInt64(BundleLimits.shardCount)).contains(count) else {
          throw TensorBundleError(.limitExceeded, "the checkpoint declares \(count) data files")
        }
        shardCount = Int(count)
      case (2, .varint(let order)):
        guard order == 0 else {
          throw TensorBundleError(
            .unsupported, "the checkpoint was written by a big-endian machine")
        }
      case (3, .bytes(let version)): try Self.checkVersion(version)
      default: break
      }
    }
    guard shardCount > 0 else {
      throw TensorBundleError(.damaged, "the checkpoint's header declares no data file")
    }
  }

  /// VersionDef: its second field is the oldest reader that will do.
  private static func checkVersion(
    _ bytes: UnsafeRawBufferPointer
  ) throws(TensorBundleError) {
    var reader = BundleMessage(bytes)
    while let (field, value) = try reader.next() {
      if case .varint(let version) = value, field == 2, version > knownVersion {
        throw TensorBundleError(
          .unsupported, "the checkpoint needs a reader of version \(version)")
      }
    }
  }
}
