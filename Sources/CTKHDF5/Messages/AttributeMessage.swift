import CTKCore

/// The encoded form of an attribute.
///
/// HDF5 File Format Specification, section IV.A.2.m; versions 1 to 3.
struct AttributeMessage {
  let name: [UInt8]
  let type: DatatypeMessage
  let elementCount: Int
  let data: FormatCursor

  /// - Throws: `hdf5.damaged`.
  init(_ message: FormatCursor) throws(HDF5Error) {
    var cursor = message
    let version = try cursor.version(1...3)
    let flags = version == 1 ? 0 : try cursor.byte()
    if version == 1 { try cursor.skip(1) }
    let nameByteCount = try cursor.short()
    let typeByteCount = try cursor.short()
    let spaceByteCount = try cursor.short()
    if version == 3 { try cursor.skip(1) }
    func padded(_ count: Int) -> Int { version == 1 ? (count + 7) / 8 * 8 : count }

    var nameSection = try cursor.section(padded(nameByteCount), "name of an attribute")
    name = Array(cursor.image.bytes[try nameSection.text()])
    var typeSection = try cursor.section(padded(typeByteCount), "datatype of an attribute")
    if flags & 1 != 0 { typeSection = try SharedMessage.resolve(typeSection, .datatype) }
    type = try DatatypeMessage(&typeSection)
    var spaceSection = try cursor.section(padded(spaceByteCount), "dataspace of an attribute")
    if flags & 2 != 0 { spaceSection = try SharedMessage.resolve(spaceSection, .dataspace) }
    let space = try DataspaceMessage(&spaceSection)
    guard let count = space.elementCount,
      case let (needed, overflow) = count.multipliedReportingOverflow(by: type.byteCount),
      !overflow, needed <= cursor.remaining
    else {
      throw cursor.damaged(
        "an attribute declares more than the \(cursor.remaining) bytes it stores")
    }
    elementCount = count
    data = try cursor.section(needed, "data of an attribute")
  }
}
