import CTKCore

/// The encoded form of a datatype, read to its end.
///
/// HDF5 File Format Specification, section IV.A.2.d; versions 1 to 5.
struct DatatypeMessage {
  enum Class: Int {
    case integer, float, time, string, bitField, opaque, compound, reference, enumeration
    case variableLength, array, complex
  }

  /// Where the bits of an integer or a float lie.
  struct NumberFields: Equatable {
    var offset = 0
    var precision = 0
    var exponentPosition = 0
    var exponentBits = 0
    var mantissaPosition = 0
    var mantissaBits = 0
    var exponentBias = 0
  }

  let kind: Class
  /// The 24 class-specific bits.
  let bits: Int
  /// Bytes of one element.
  let byteCount: Int
  private(set) var fields = NumberFields()

  /// - Throws: `hdf5.damaged`.
  init(_ cursor: inout FormatCursor, depth: Int = 0) throws(HDF5Error) {
    guard depth < HDF5Limits.datatypeDepth else {
      throw cursor.damaged("datatypes are nested deeper than \(HDF5Limits.datatypeDepth)")
    }
    let first = try cursor.byte()
    guard let kind = Class(rawValue: first & 0x0F) else {
      throw cursor.damaged("datatype class \(first & 0x0F) is unknown")
    }
    let version = first >> 4
    guard (1...5).contains(version) else {
      throw cursor.damaged("datatype version \(version) is unknown")
    }
    self.kind = kind
    bits = Int(try cursor.number(3))
    byteCount = try cursor.word()
    guard byteCount > 0 else { throw cursor.damaged("a datatype of 0 bytes") }
    try readProperties(&cursor, version: version, depth: depth)
  }

  private mutating func readProperties(
    _ cursor: inout FormatCursor, version: Int, depth: Int
  ) throws(HDF5Error) {
    switch kind {
    case .integer, .bitField, .float: try readFields(&cursor)
    case .time: try cursor.skip(2)
    case .string, .reference: break
    case .opaque: try cursor.skip(bits & 0xFF)
    case .compound: try readMembers(&cursor, version: version, depth: depth)
    case .enumeration: try readNames(&cursor, version: version, depth: depth)
    case .variableLength, .complex: _ = try DatatypeMessage(&cursor, depth: depth + 1)
    case .array: try readExtents(&cursor, version: version, depth: depth)
    }
  }

  private mutating func readFields(_ cursor: inout FormatCursor) throws(HDF5Error) {
    fields.offset = try cursor.short()
    fields.precision = try cursor.short()
    guard kind == .float else { return }
    fields.exponentPosition = try cursor.byte()
    fields.exponentBits = try cursor.byte()
    fields.mantissaPosition = try cursor.byte()
    fields.mantissaBits = try cursor.byte()
    fields.exponentBias = try cursor.word()
    guard fields.exponentPosition + fields.exponentBits <= 8 * byteCount,
      fields.mantissaPosition + fields.mantissaBits <= 8 * byteCount
    else { throw cursor.damaged("the fields of a float leave its \(byteCount) bytes") }
  }

  private func readMembers(
    _ cursor: inout FormatCursor, version: Int, depth: Int
  ) throws(HDF5Error) {
    for _ in 0..<(bits & 0xFFFF) {
      try cursor.text(alignment: version < 3 ? 8 : 1)
      let offset = try cursor.number(version < 3 ? 4 : Self.widthOfOffsets(upTo: byteCount))
      if version == 1 { try cursor.skip(28) }
      let member = try DatatypeMessage(&cursor, depth: depth + 1)
      guard offset <= UInt64(byteCount), member.byteCount <= byteCount - Int(offset) else {
        throw cursor.damaged("a member leaves its compound type")
      }
    }
  }

  /// Offsets since version 3 take the fewest bytes that hold the size.
  private static func widthOfOffsets(upTo byteCount: Int) -> Int {
    (byteCount.bitWidth - byteCount.leadingZeroBitCount + 7) / 8
  }

  private func readNames(
    _ cursor: inout FormatCursor, version: Int, depth: Int
  ) throws(HDF5Error) {
    let base = try DatatypeMessage(&cursor, depth: depth + 1)
    let count = bits & 0xFFFF
    for _ in 0..<count { try cursor.text(alignment: version < 3 ? 8 : 1) }
    for _ in 0..<count { try cursor.skip(base.byteCount) }
  }

  private func readExtents(
    _ cursor: inout FormatCursor, version: Int, depth: Int
  ) throws(HDF5Error) {
    let rank = try cursor.byte()
    guard rank <= HDF5Limits.rank else { throw cursor.damaged("an array type of rank \(rank)") }
    if version < 3 { try cursor.skip(3) }
    try cursor.skip((version < 3 ? 8 : 4) * rank)
    _ = try DatatypeMessage(&cursor, depth: depth + 1)
  }
}

extension DatatypeMessage {
  /// What a type that gives no tensor is called in findings and errors.
  var name: String {
    switch kind {
    case .integer: "a \(byteCount)-byte integer of an unusual form"
    case .float: "a \(byteCount)-byte float that is not IEEE 16, 32 or 64"
    case .time: "a time"
    case .string: "a string"
    case .bitField: "a bit field"
    case .opaque: "\(byteCount) opaque bytes"
    case .compound: "a compound (complex numbers are often stored so)"
    case .reference: "a reference"
    case .enumeration: "an enumeration (booleans are stored so)"
    case .variableLength:
      bits & 0x0F == 1 ? "a string of variable length" : "a list of variable length"
    case .array: "an array"
    case .complex: "a complex number"
    }
  }
}
