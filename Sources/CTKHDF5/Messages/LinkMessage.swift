import CTKCore

/// A name in a group and the object it stands for.
struct HardLink {
  let name: String
  /// Address of the object header.
  let address: UInt64

  /// - Throws: `hdf5.damaged` for a name that cannot be part of a path.
  init(nameBytes: UnsafeRawBufferPointer.SubSequence, address: UInt64) throws(HDF5Error) {
    guard let name = String(validating: nameBytes, as: UTF8.self) else {
      throw HDF5Error(.damaged, "the name of a link is not UTF-8")
    }
    guard !name.isEmpty, name != ".", !nameBytes.contains(UInt8(ascii: "/")),
      !nameBytes.contains(0)
    else {
      throw HDF5Error(.damaged, "'\(name)' cannot be the name of a link")
    }
    self.name = name
    self.address = address
  }

  /// The refusal of a link that is not a hard one; 1 is soft, 64 external.
  static func refusal(
    kind: Int, nameBytes: UnsafeRawBufferPointer.SubSequence
  ) -> HDF5Error {
    let what =
      switch kind {
      case 1: "a soft link"
      case 64: "an external link, which would read another file"
      default: "a link of the unknown kind \(kind)"
      }
    return HDF5Error(
      .linkRefused, "'\(String(decoding: nameBytes, as: UTF8.self))' is \(what)",
      hint: "store the dataset itself; ctk follows no links")
  }

  /// Reads a link message.
  ///
  /// HDF5 File Format Specification, section IV.A.2.g.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.link-refused`.
  init(_ message: FormatCursor) throws(HDF5Error) {
    var cursor = message
    _ = try cursor.version(1...1)
    let flags = try cursor.byte()
    let kind = flags & 0x08 != 0 ? try cursor.byte() : 0
    if flags & 0x04 != 0 { try cursor.skip(8) }
    if flags & 0x10 != 0 { try cursor.skip(1) }
    let declared = try cursor.number(1 << (flags & 3))
    guard let byteCount = Int(exactly: declared) else {
      throw cursor.damaged("a link name of \(declared) bytes")
    }
    let name = cursor.image.bytes[try cursor.skip(byteCount)]
    if kind != 0 { throw HardLink.refusal(kind: kind, nameBytes: name) }
    try self.init(nameBytes: name, address: try cursor.requiredAddress("the target of a link"))
  }
}
