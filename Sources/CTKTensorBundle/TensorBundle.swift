public import CTKCore
import Synchronization

/// A TensorFlow checkpoint: `<prefix>.index` and its data files, memory-mapped.
///
/// Tensors are lent without copying, after their CRC-32C was checked once.
public final class TensorBundle: TensorSource {
  /// Path of the `.index` file.
  public let path: String
  public let tensors: [TensorInfo]
  /// Oddities that do not make the checkpoint unreadable, one sentence each.
  public let findings: [String]

  private static let indexSuffix = ".index"

  private let shards: [Int: Shard]
  private let entries: [UTF8Key: BundleIndex.Entry]
  private let checkedNames = Mutex<Set<UTF8Key>>([])

  /// A mapped data file.
  private final class Shard: Sendable {
    let file: MappedFile

    init(path: String) throws(CoreError) { file = try MappedFile(path: path) }
  }

  /// Reads the index and maps the data files it needs; the tensors' bytes are not touched.
  ///
  /// - Parameter path: the `.index` file, or the prefix that TensorFlow calls the checkpoint's
  ///   path.
  /// - Throws: the `bundle.*` codes, and those of `MappedFile`.
  public init(path: String) throws(TensorBundleError) {
    let indexPath = path.hasSuffix(Self.indexSuffix) ? path : path + Self.indexSuffix
    let index: BundleIndex
    do {
      index = try Self.readIndex(indexPath)
    } catch {
      throw error.at(indexPath)
    }
    self.path = indexPath
    tensors = index.entries.map(\.info)
    findings = index.findings
    shards = try Self.openShards(
      of: index, prefix: String(indexPath.dropLast(Self.indexSuffix.count)))
    entries = Dictionary(index.entries.map { (UTF8Key($0.info.name), $0) }) { first, _ in first }
  }

  /// Whether a path is a prefix or an index file of a checkpoint, by the names of the files.
  public static func exists(_ path: String) -> Bool {
    path.hasSuffix(indexSuffix) ? Folder.fileExists(path) : Folder.fileExists(path + indexSuffix)
  }

  public func info(of name: String) -> TensorInfo? { entries[UTF8Key(name)]?.info }

  /// - Throws: `tensor.missing`, `bundle.checksum-mismatch`.
  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = entries[UTF8Key(name)], let shard = shards[entry.shard] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: path)
    }
    return try shard.file.withBytes { bytes in
      let bytes = UnsafeRawBufferPointer(rebasing: bytes[entry.range])
      try check(bytes, entry)
      return try body(bytes)
    }
  }

  /// Gives back the memory a tensor's bytes, or a part of them, took while they were read.
  ///
  /// They can be read again, from the disk. An unknown name has no effect.
  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let entry = entries[UTF8Key(name)] else { return }
    let start = entry.range.lowerBound
    shards[entry.shard]?.file.discard(
      part.map { start + $0.lowerBound..<start + $0.upperBound } ?? entry.range)
  }

  private func check(
    _ bytes: UnsafeRawBufferPointer, _ entry: BundleIndex.Entry
  ) throws(TensorBundleError) {
    let name = entry.info.name
    guard let stored = entry.checksum, !checkedNames.withLock({ $0.contains(UTF8Key(name)) }) else {
      return
    }
    guard CRC32C.masked(CRC32C.checksum(bytes)) == stored else {
      throw TensorBundleError(
        .checksumMismatch, "the bytes of '\(name)' do not have their CRC-32C", path: path,
        hint: "the data file is damaged; fetch it again")
    }
    checkedNames.withLock { _ = $0.insert(UTF8Key(name)) }
  }

  private static func readIndex(_ path: String) throws(TensorBundleError) -> BundleIndex {
    let file = try TensorBundleError.wrap { () throws(CoreError) in try MappedFile(path: path) }
    guard file.byteCount <= BundleLimits.indexByteCount else {
      throw TensorBundleError(
        .limitExceeded,
        "the index has \(file.byteCount) bytes, more than \(BundleLimits.indexByteCount)")
    }
    return try file.withBytes { (bytes) throws(TensorBundleError) in try BundleIndex(file: bytes) }
  }

  /// Maps the data files that hold tensors, and checks that they hold them whole.
  private static func openShards(
    of index: BundleIndex, prefix: String
  ) throws(TensorBundleError) -> [Int: Shard] {
    var shards: [Int: Shard] = [:]
    for entry in index.entries {
      let path = prefix + ".data-\(padded(entry.shard))-of-\(padded(index.shardCount))"
      let shard: Shard
      if let known = shards[entry.shard] {
        shard = known
      } else {
        shard = try open(path)
        shards[entry.shard] = shard
      }
      guard entry.range.upperBound <= shard.file.byteCount else {
        throw TensorBundleError(
          .rangeInvalid,
          "'\(entry.info.name)' ends at byte \(entry.range.upperBound), the data file at "
            + "\(shard.file.byteCount)", path: path, hint: "the file may be cut off; fetch it again"
        )
      }
    }
    return shards
  }

  private static func open(_ path: String) throws(TensorBundleError) -> Shard {
    do {
      return try Shard(path: path)
    } catch {
      guard error.code == CoreErrorCode.fileMissing.rawValue else {
        throw TensorBundleError(wrapping: error)
      }
      throw TensorBundleError(
        .shardMissing, "a data file named by the index is not there", path: path,
        hint: "fetch the missing file")
    }
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
