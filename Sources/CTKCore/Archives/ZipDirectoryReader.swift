/// Reader of the central directory's entries, each checked against its local header.
struct ZipDirectoryReader {
  private let file: ZipFields
  private let directory: Range<Int>
  private var position: Int

  init(file: UnsafeRawBufferPointer, directory: Range<Int>) {
    self.file = ZipFields(bytes: file)
    self.directory = directory
    position = directory.lowerBound
  }

  var isAtEnd: Bool { position == directory.upperBound }

  /// The next member and the bytes it takes with its local header.
  mutating func next() throws(ArchiveError) -> (ZipEntry, extent: Range<Int>) {
    let record = try takeRecord()
    let nameBytes = record.name
    let name = try ZipName.checked(nameBytes)
    let flags = record.fields.half(8)
    guard flags & ~ZipFormat.knownFlags == 0 else {
      throw ArchiveError(
        .unsupported, "member '\(name)' is encrypted or has unknown flags (\(flags))")
    }
    let rawMethod = record.fields.half(10)
    guard let method = ZipEntry.Method(rawValue: rawMethod) else {
      throw ArchiveError(
        .unsupported, "member '\(name)' is compressed by method \(rawMethod)",
        hint: "pack the archive again without compression")
    }
    let sizes = try Sizes(record.fields, extra: record.extra, name: name)
    if method == .stored && sizes.compressed != sizes.uncompressed {
      throw ArchiveError(
        .damaged,
        "the stored member '\(name)' has \(sizes.compressed) bytes in the file and "
          + "\(sizes.uncompressed) outside")
    }
    let header = LocalHeader(
      name: nameBytes, flags: flags, method: rawMethod, checksum: record.fields.word(16),
      sizes: sizes)
    let (dataStart, dataEnd) = try header.locate(
      in: file, before: directory.lowerBound, member: name)
    let entry = ZipEntry(
      name: name, method: method, checksum: header.checksum, range: dataStart..<dataEnd,
      uncompressedByteCount: sizes.uncompressed)
    return (entry, sizes.offset..<dataEnd)
  }

  private mutating func takeRecord() throws(ArchiveError) -> (
    fields: ZipFields, name: UnsafeRawBufferPointer, extra: UnsafeRawBufferPointer
  ) {
    let fixed = ZipFormat.directoryByteCount
    guard directory.upperBound - position >= fixed else { throw Self.tooShort(at: position) }
    let fields = ZipFields(bytes: file.slice(position, fixed))
    guard fields.word(0) == ZipFormat.directorySignature else {
      throw ArchiveError(.damaged, "there is no directory entry at byte \(position)")
    }
    guard fields.half(34) == 0 else {
      throw ArchiveError(.unsupported, "the archive is a part of several")
    }
    let nameCount = Int(fields.half(28))
    let extraCount = Int(fields.half(30))
    let total = fixed + nameCount + extraCount + Int(fields.half(32))
    guard directory.upperBound - position >= total else { throw Self.tooShort(at: position) }
    let name = file.slice(position + fixed, nameCount)
    let extra = file.slice(position + fixed + nameCount, extraCount)
    position += total
    return (fields, name, extra)
  }

  private static func tooShort(at position: Int) -> ArchiveError {
    ArchiveError(.damaged, "the directory ends inside the entry at byte \(position)")
  }
}

extension ZipDirectoryReader {
  /// A member's sizes and place, from the directory entry or its zip64 extra field.
  struct Sizes {
    let compressed: Int
    let uncompressed: Int
    let offset: Int

    init(
      _ fields: ZipFields, extra: UnsafeRawBufferPointer, name: String
    ) throws(ArchiveError) {
      var wide = try Self.wideNumbers(extra, name)
      func resolve(_ narrow: UInt32) throws(ArchiveError) -> Int {
        guard narrow == UInt32.max else { return Int(narrow) }
        guard let value = wide.popFirst(), let count = Int(exactly: value) else {
          throw ArchiveError(.damaged, "member '\(name)' lacks a size")
        }
        return count
      }
      uncompressed = try resolve(fields.word(24))
      compressed = try resolve(fields.word(20))
      offset = try resolve(fields.word(42))
    }

    /// The 64-bit numbers of the zip64 extra field, in their order (APPNOTE 4.5.3).
    private static func wideNumbers(
      _ extra: UnsafeRawBufferPointer, _ name: String
    ) throws(ArchiveError) -> ArraySlice<UInt64> {
      let fields = ZipFields(bytes: extra)
      var position = 0
      while extra.count - position >= 4 {
        let count = Int(fields.half(position + 2))
        guard extra.count - position - 4 >= count else {
          throw ArchiveError(.damaged, "an extra field of member '\(name)' is cut off")
        }
        if fields.half(position) == ZipFormat.wideExtraTag {
          return (0..<count / 8).map { fields.long(position + 4 + $0 * 8) }[...]
        }
        position += 4 + count
      }
      return []
    }
  }

  /// What a member's local header must repeat.
  struct LocalHeader {
    let name: UnsafeRawBufferPointer
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let sizes: Sizes

    /// Checks the header and finds the member's bytes.
    func locate(
      in file: ZipFields, before limit: Int, member: String
    ) throws(ArchiveError) -> (start: Int, end: Int) {
      guard sizes.offset <= limit - ZipFormat.localByteCount else {
        throw ArchiveError(.damaged, "member '\(member)' begins behind the members")
      }
      let fields = ZipFields(bytes: file.slice(sizes.offset, ZipFormat.localByteCount))
      guard fields.word(0) == ZipFormat.localSignature else {
        throw ArchiveError(
          .damaged, "there is no local header of '\(member)' at byte \(sizes.offset)")
      }
      let nameCount = Int(fields.half(26))
      let nameStart = sizes.offset + ZipFormat.localByteCount
      guard nameCount == name.count, limit - nameStart >= nameCount,
        file.slice(nameStart, nameCount).elementsEqual(name)
      else {
        throw ArchiveError(
          .damaged, "the local header of '\(member)' has another name than the directory")
      }
      guard fields.half(6) == flags, fields.half(8) == method, agrees(fields) else {
        throw ArchiveError(
          .damaged, "the local header of '\(member)' contradicts the directory")
      }
      let start = nameStart + nameCount + Int(fields.half(28))
      guard start <= limit, sizes.compressed <= limit - start else {
        throw ArchiveError(.damaged, "member '\(member)' reaches into the directory")
      }
      return (start, start + sizes.compressed)
    }

    /// With a descriptor behind the data the header's sizes and checksum may be left open.
    private func agrees(_ fields: ZipFields) -> Bool {
      let isOpen = flags & ZipFormat.hasDescriptor != 0
      func matches(_ found: UInt32, _ expected: UInt64) -> Bool {
        UInt64(found) == expected || (isOpen && found == 0)
      }
      func matchesSize(_ found: UInt32, _ expected: Int) -> Bool {
        matches(found, UInt64(expected)) || found == UInt32.max
      }
      return matches(fields.word(14), UInt64(checksum))
        && matchesSize(fields.word(18), sizes.compressed)
        && matchesSize(fields.word(22), sizes.uncompressed)
    }
  }
}
