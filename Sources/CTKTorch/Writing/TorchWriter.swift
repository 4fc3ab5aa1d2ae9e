public import CTKCore

/// Writer of a file that `torch.load` reads: an archive of stored members in one folder.
///
/// The file appears when it is committed. Equal contents give equal bytes.
public struct TorchWriter: ~Copyable {
  private var file: AtomicFile
  private var position = 0
  private var directory: [UInt8] = []
  private var memberCount = 0

  private static let folder = "archive/"
  /// Storages begin at a multiple of this, as torch aligns them.
  private static let alignment = 64
  private static let localHeaderByteCount = 30
  /// Identifier of the extra field that fills up, torch's own.
  private static let paddingField = 0x4246
  /// 1 January 1980, the first day that archives know.
  private static let date = 0x21

  /// - Throws: `output.exists`, `output.cannot-create`.
  public init(path: String, replacesExisting: Bool = false) throws(TorchError) {
    file = try TorchError.wrap { () throws(CoreError) in
      try AtomicFile(path: path, replacesExisting: replacesExisting)
    }
  }

  /// Adds the pickle, which comes first.
  ///
  /// - Throws: `output.*`.
  public mutating func addPickle(_ pickle: [UInt8]) throws(TorchError) {
    try add("data.pkl", pickle)
    try add("byteorder", Array("little".utf8))
    try add("version", Array("3\n".utf8))
  }

  /// Adds the bytes of a storage.
  ///
  /// - Throws: `torch.limit-exceeded` beyond 4 GiB, `output.*`.
  public mutating func addStorage(_ key: String, _ bytes: [UInt8]) throws(TorchError) {
    try add("data/" + key, bytes)
  }

  /// Ends the archive and makes the file appear.
  public consuming func commit() throws(TorchError) {
    let end =
      Self.little(0x0605_4B50, 4) + Self.little(0, 4) + Self.little(memberCount, 2)
      + Self.little(memberCount, 2) + Self.little(directory.count, 4) + Self.little(position, 4)
      + Self.little(0, 2)
    do throws(CoreError) {
      try file.write(directory + end)
      try file.commit()
    } catch {
      throw TorchError(wrapping: error)
    }
  }

  private mutating func add(_ name: String, _ bytes: [UInt8]) throws(TorchError) {
    let name = Array((Self.folder + name).utf8)
    let span = bytes.span
    let checksum = span.withUnsafeBytes { MemberBytes.checksum($0, after: 0) }
    let header =
      Self.little(10, 2) + Self.little(0, 4) + Self.little(0, 2) + Self.little(Self.date, 2)
      + Self.little(Int(checksum), 4) + Self.little(bytes.count, 4) + Self.little(bytes.count, 4)
      + Self.little(name.count, 2)
    let padding = Self.padding(position + Self.localHeaderByteCount + name.count)
    let entry = position
    let local =
      Self.little(0x0403_4B50, 4) + header + Self.little(padding.count, 2) + name + padding
    position += local.count + bytes.count
    directory +=
      Self.little(0x0201_4B50, 4) + Self.little(0, 2) + header + Self.little(0, 2)
      + Self.little(0, 10) + Self.little(entry, 4) + name
    memberCount += 1
    guard position + directory.count <= Int(UInt32.max), memberCount <= Int(UInt16.max) else {
      throw TorchError(
        .limitExceeded, "the file would have more than 4 GiB or \(UInt16.max) storages")
    }
    do throws(CoreError) {
      try file.write(local)
      try file.write(bytes)
    } catch {
      throw TorchError(wrapping: error)
    }
  }

  /// An extra field that moves what follows to the next multiple of the alignment.
  private static func padding(_ position: Int) -> [UInt8] {
    let start = position + 4
    let count = (alignment - start % alignment) % alignment
    return little(paddingField, 2) + little(count, 2)
      + [UInt8](repeating: UInt8(ascii: "Z"), count: count)
  }

  private static func little(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (8 * $0)) : 0 }
  }
}
