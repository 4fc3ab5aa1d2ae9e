/// The validated directory of a zip archive.
///
/// Readers disagree about archives whose records contradict each other, so those are refused:
/// local headers must repeat the central directory, members must not overlap, names must be
/// unique plain paths, and nothing may follow the end record. Member bytes are not touched.
public struct ZipArchive: Sendable {
  /// In the order of the directory.
  public let entries: [ZipEntry]
  private let positions: [String: Int]

  /// - Throws: `zip.not-zip`, `zip.damaged`, `zip.name-unsafe`, `zip.unsupported`,
  ///   `zip.limit-exceeded`.
  public init(file: UnsafeRawBufferPointer) throws(ArchiveError) {
    let end = try ZipEndRecord(file: file)
    var reader = ZipDirectoryReader(file: file, directory: end.directory)
    var entries: [ZipEntry] = []
    var extents: [Range<Int>] = []
    var positions: [String: Int] = [:]
    for index in 0..<end.entryCount {
      let (entry, extent) = try reader.next()
      guard positions.updateValue(index, forKey: entry.name) == nil else {
        throw ArchiveError(.nameUnsafe, "two members are named '\(entry.name)'")
      }
      entries.append(entry)
      extents.append(extent)
    }
    guard reader.isAtEnd else {
      throw ArchiveError(
        .damaged, "the directory has more bytes than its \(end.entryCount) entries")
    }
    try Self.requireDisjoint(extents)
    self.entries = entries
    self.positions = positions
  }

  public func entry(named name: String) -> ZipEntry? {
    positions[name].map { entries[$0] }
  }

  private static func requireDisjoint(_ extents: [Range<Int>]) throws(ArchiveError) {
    var end = 0
    for extent in extents.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard extent.lowerBound >= end else {
        throw ArchiveError(.damaged, "two members overlap at byte \(extent.lowerBound)")
      }
      end = extent.upperBound
    }
  }
}
