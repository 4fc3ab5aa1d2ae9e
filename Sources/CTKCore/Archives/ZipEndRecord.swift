/// Where the central directory lies, from the records at the end of a zip file.
struct ZipEndRecord {
  let entryCount: Int
  let directory: Range<Int>

  /// - Throws: `zip.not-zip`, `zip.damaged`, `zip.unsupported`, `zip.limit-exceeded`.
  init(file: UnsafeRawBufferPointer) throws(ArchiveError) {
    let end = file.count - ZipFormat.endByteCount
    guard end >= 0 else {
      throw ArchiveError(.notZip, "\(file.count) bytes are too few for a zip archive")
    }
    let record = ZipFields(bytes: file).slice(end, ZipFormat.endByteCount)
    let fields = ZipFields(bytes: record)
    // An archive comment could hide a second end record, so none is allowed.
    guard fields.word(0) == ZipFormat.endSignature, fields.half(20) == 0 else {
      throw ArchiveError(
        .notZip, "the file does not end in the end record of a zip archive",
        hint: "the file may be cut off, or have bytes after its end")
    }
    let narrow = Totals(fields)
    let (totals, directoryEnd) =
      try Self.wide(file, before: end, narrow: narrow) ?? (narrow, end)
    guard totals.isSingleDisk else {
      throw ArchiveError(.unsupported, "the archive is a part of several")
    }
    guard totals.entryCount <= ZipFormat.entryLimit else {
      throw ArchiveError(
        .limitExceeded,
        "the archive declares \(totals.entryCount) entries, more than \(ZipFormat.entryLimit)")
    }
    guard totals.offset <= UInt64(directoryEnd),
      totals.byteCount == UInt64(directoryEnd) - totals.offset
    else {
      throw ArchiveError(
        .damaged,
        "the directory of \(totals.byteCount) bytes at \(totals.offset) does not end at "
          + "the end record")
    }
    entryCount = Int(totals.entryCount)
    directory = Int(totals.offset)..<directoryEnd
  }

  /// The fields that both forms of the end record have.
  private struct Totals {
    let isSingleDisk: Bool
    let entryCount: UInt64
    let byteCount: UInt64
    let offset: UInt64

    init(_ fields: ZipFields) {
      isSingleDisk = fields.half(4) == 0 && fields.half(6) == 0 && fields.half(8) == fields.half(10)
      entryCount = UInt64(fields.half(10))
      byteCount = UInt64(fields.word(12))
      offset = UInt64(fields.word(16))
    }

    init(wide fields: ZipFields) {
      isSingleDisk =
        fields.word(16) == 0 && fields.word(20) == 0 && fields.long(24) == fields.long(32)
      entryCount = fields.long(32)
      byteCount = fields.long(40)
      offset = fields.long(48)
    }

    /// Whether each field of the narrow record is this one's or says to look here.
    func agrees(with narrow: Totals) -> Bool {
      (narrow.entryCount == entryCount || narrow.entryCount == UInt64(UInt16.max))
        && (narrow.byteCount == byteCount || narrow.byteCount == UInt64(UInt32.max))
        && (narrow.offset == offset || narrow.offset == UInt64(UInt32.max))
    }
  }

  /// The zip64 record, which must lie directly before its locator; nil without a locator.
  private static func wide(
    _ file: UnsafeRawBufferPointer, before end: Int, narrow: Totals
  ) throws(ArchiveError) -> (Totals, directoryEnd: Int)? {
    let locatorStart = end - ZipFormat.locatorByteCount
    guard locatorStart >= 0 else { return nil }
    let whole = ZipFields(bytes: file)
    let locator = ZipFields(bytes: whole.slice(locatorStart, ZipFormat.locatorByteCount))
    guard locator.word(0) == ZipFormat.locatorSignature else { return nil }
    let recordStart = locatorStart - ZipFormat.wideEndByteCount
    guard recordStart >= 0, locator.long(8) == UInt64(recordStart), locator.word(4) == 0,
      locator.word(16) <= 1
    else {
      throw ArchiveError(.damaged, "the zip64 locator does not point to the record before it")
    }
    let record = ZipFields(bytes: whole.slice(recordStart, ZipFormat.wideEndByteCount))
    guard record.word(0) == ZipFormat.wideEndSignature,
      record.long(4) == UInt64(ZipFormat.wideEndByteCount - 12)
    else {
      throw ArchiveError(.damaged, "the zip64 end record is not one")
    }
    let totals = Totals(wide: record)
    guard totals.agrees(with: narrow) else {
      throw ArchiveError(.damaged, "the end record and the zip64 end record disagree")
    }
    return (totals, recordStart)
  }
}
