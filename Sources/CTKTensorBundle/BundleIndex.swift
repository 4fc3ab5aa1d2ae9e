import CTKCore

/// The decoded and checked `.index` file of a checkpoint.
struct BundleIndex {
  struct Entry: Sendable {
    let info: TensorInfo
    let shard: Int
    let range: Range<Int>
    /// Masked CRC-32C of the bytes.
    let checksum: UInt32?
  }

  /// Sorted by name.
  private(set) var entries: [Entry] = []
  private(set) var findings: [String] = []
  private(set) var shardCount = 0

  /// - Throws: the `bundle.*` codes.
  init(file: UnsafeRawBufferPointer) throws(TensorBundleError) {
    var shardCount: Int?
    var entries: [Entry] = []
    var findings: [String] = []
    try TableFile.forEachEntry(of: file) { (key, value) throws(TensorBundleError) in
      if key.isEmpty {
        shardCount = try BundleHeader(value).shardCount
        return
      }
      guard let shardCount else {
        throw TensorBundleError(.notBundle, "the table has no header of a checkpoint")
      }
      let name = try Self.name(key)
      let message = try BundleEntry(value)
      if message.type == ElementType.string {
        findings.append("'\(name)' holds strings, which no weight is; it was not read")
        return
      }
      guard message.shard < shardCount else {
        throw TensorBundleError(
          .damaged, "'\(name)' lies in data file \(message.shard) of \(shardCount)")
      }
      entries.append(try Self.entry(name, message))
    }
    guard let shardCount else {
      throw TensorBundleError(.notBundle, "the table has no header of a checkpoint")
    }
    try Self.requireDisjoint(entries)
    self.shardCount = shardCount
    self.entries = entries.sorted { utf8Precedes($0.info.name, $1.info.name) }
    self.findings = findings
  }

  /// Keys that begin with a zero byte are those of slices.
  private static func name(_ key: [UInt8]) throws(TensorBundleError) -> String {
    guard key.first != 0 else {
      throw TensorBundleError(
        .sliced, "the checkpoint holds slices of a partitioned variable",
        hint: "save it without partitioned variables")
    }
    guard let name = String(validating: key, as: UTF8.self) else {
      throw TensorBundleError(
        .damaged, "the name '\(String(decoding: key, as: UTF8.self))' is not UTF-8")
    }
    return name
  }

  private static func entry(
    _ name: String, _ message: BundleEntry
  ) throws(TensorBundleError) -> Entry {
    guard !message.isSliced else {
      throw TensorBundleError(
        .sliced, "the variable '\(name)' is stored in slices",
        hint: "save it without partitioned variables")
    }
    guard let dtype = ElementType.dtype(of: message.type) else {
      throw TensorBundleError(
        .dtypeUnsupported, "'\(name)' has TensorFlow's element type \(message.type)")
    }
    let info = try TensorBundleError.wrap { () throws(CoreError) in
      try TensorInfo(name: name, dtype: dtype, shape: message.shape)
    }
    let (end, overflow) = message.offset.addingReportingOverflow(message.byteCount)
    guard info.byteCount == message.byteCount, !overflow else {
      throw TensorBundleError(
        .damaged,
        "'\(name)' of \(dtype.rawValue) \(message.shape) needs \(info.byteCount) bytes, its entry "
          + "says \(message.byteCount)")
    }
    return Entry(
      info: info, shard: message.shard, range: message.offset..<end, checksum: message.checksum)
  }

  /// A writer gives every tensor bytes of its own.
  private static func requireDisjoint(_ entries: [Entry]) throws(TensorBundleError) {
    let sorted = entries.filter { !$0.range.isEmpty }.sorted { left, right in
      (left.shard, left.range.lowerBound) < (right.shard, right.range.lowerBound)
    }
    for (left, right) in zip(sorted, sorted.dropFirst())
    where left.shard == right.shard && left.range.upperBound > right.range.lowerBound {
      throw TensorBundleError(
        .rangeInvalid, "'\(left.info.name)' and '\(right.info.name)' share bytes")
    }
  }
}
