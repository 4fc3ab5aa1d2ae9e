import CTKCore

/// The value of elements that were never written.
///
/// HDF5 File Format Specification, sections IV.A.2.e and IV.A.2.f.
enum FillValueMessage {
  case zero
  case value([UInt8])
  /// The file says that such elements mean nothing.
  case undefined

  /// - Throws: `hdf5.damaged`.
  init(of header: ObjectHeader) throws(HDF5Error) {
    if var cursor = try header.message(.fillValue) {
      self = try Self.read(&cursor)
    } else if var cursor = try header.message(.oldFillValue) {
      self = try Self.sized(&cursor)
    } else {
      self = .zero
    }
  }

  private static func read(_ cursor: inout FormatCursor) throws(HDF5Error) -> FillValueMessage {
    if try cursor.version(1...3) == 3 {
      let flags = try cursor.byte()
      if flags & 0x10 != 0 { return .undefined }
      return flags & 0x20 != 0 ? try sized(&cursor) : .zero
    }
    try cursor.skip(2)
    let isDefined = try cursor.byte() != 0
    return isDefined ? try sized(&cursor) : .zero
  }

  private static func sized(_ cursor: inout FormatCursor) throws(HDF5Error) -> FillValueMessage {
    let byteCount = try cursor.word()
    if byteCount == 0xFFFF_FFFF { return .undefined }
    let range = try cursor.skip(byteCount)
    return byteCount == 0 ? .zero : .value(Array(cursor.image.bytes[range]))
  }
}
