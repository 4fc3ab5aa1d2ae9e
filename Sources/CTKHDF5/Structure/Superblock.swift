import CTKCore

/// The first structure of a file: where everything else begins.
///
/// HDF5 File Format Specification, section II.A; versions 0 to 3.
struct Superblock {
  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Bytes of the user block before the signature.
  let baseOffset: Int
  let addressWidth: Int
  let lengthWidth: Int
  let rootHeader: UInt64
  private(set) var extensionHeader: UInt64?

  /// - Throws: `hdf5.not-hdf5`, `hdf5.truncated`, `hdf5.damaged`,
  ///   `hdf5.external-storage`.
  init(_ file: UnsafeRawBufferPointer) throws(HDF5Error) {
    guard let offset = Self.signatureOffset(file) else {
      throw HDF5Error(
        .notHDF5, "there is no HDF5 signature in this file of \(file.count) bytes",
        hint: "a file sent in text mode or a failed download looks like this")
    }
    baseOffset = offset
    let bytes = UnsafeRawBufferPointer(rebasing: file[offset...])
    if bytes.count < 48 {
      throw HDF5Error(.truncated, "the file ends inside its superblock", hint: "fetch it again")
    }
    let version = Int(bytes[8])
    guard version <= 3 else {
      throw HDF5Error(.damaged, "superblock version \(version) is unknown (0 to 3 exist)")
    }
    let widths = version < 2 ? (bytes[13], bytes[14]) : (bytes[9], bytes[10])
    guard [2, 4, 8].contains(widths.0), [2, 4, 8].contains(widths.1) else {
      throw HDF5Error(
        .damaged, "addresses of \(widths.0) bytes and lengths of \(widths.1): 2, 4 or 8 expected")
    }
    addressWidth = Int(widths.0)
    lengthWidth = Int(widths.1)
    let image = FileImage(bytes: bytes, addressWidth: addressWidth, lengthWidth: lengthWidth)
    var cursor = try image.cursor(at: 0, "superblock")
    if version < 2 {
      try Self.checkTreeRanks(&cursor)
      try cursor.skip(version == 0 ? 4 : 8)
      try Self.checkPlaces(&cursor, baseOffset: offset)
      try Self.refuseDriver(&cursor)
      try cursor.skip(addressWidth)
      rootHeader = try cursor.requiredAddress("the root group")
    } else {
      try cursor.skip(12)
      extensionHeader = try Self.checkPlaces(&cursor, baseOffset: offset)
      rootHeader = try cursor.requiredAddress("the root group")
      try cursor.checksum()
    }
  }

  /// The file as addresses see it: without its user block.
  func image(of file: UnsafeRawBufferPointer) -> FileImage {
    FileImage(
      bytes: UnsafeRawBufferPointer(rebasing: file[baseOffset...]), addressWidth: addressWidth,
      lengthWidth: lengthWidth)
  }

  /// The signature lies at 0, 512, 1024, 2048 and so on.
  private static func signatureOffset(_ file: UnsafeRawBufferPointer) -> Int? {
    var offset = 0
    while file.count - offset >= signature.count {
      if file[offset..<offset + signature.count].elementsEqual(signature) { return offset }
      offset = offset == 0 ? 512 : offset * 2
    }
    return nil
  }

  /// Passes over the versions and widths and reads the ranks of group B-trees.
  private static func checkTreeRanks(_ cursor: inout FormatCursor) throws(HDF5Error) {
    try cursor.skip(16)
    let ranks = (try cursor.short(), try cursor.short())
    guard ranks.0 > 0, ranks.1 > 0 else {
      throw cursor.damaged("the group B-tree ranks are \(ranks.0) and \(ranks.1)")
    }
  }

  /// Reads the base, the second and the end-of-file address; returns the second,
  /// which is the superblock extension from version 2 on.
  @discardableResult
  private static func checkPlaces(
    _ cursor: inout FormatCursor, baseOffset: Int
  ) throws(HDF5Error) -> UInt64? {
    let base = try cursor.requiredAddress("the base of the file")
    guard base == 0 || base == UInt64(baseOffset) else {
      throw HDF5Error(
        .damaged, "the base address is \(base), the superblock lies at \(baseOffset)")
    }
    let second = try cursor.address()
    let declared = try cursor.requiredAddress("the end of the file")
    let found = UInt64(cursor.image.bytes.count + baseOffset)
    guard declared <= found else {
      throw HDF5Error(
        .truncated, "the superblock declares \(declared) bytes, the file has \(found)",
        hint: "fetch the file again")
    }
    return second
  }

  /// A driver block means that the data is spread over several files.
  private static func refuseDriver(_ cursor: inout FormatCursor) throws(HDF5Error) {
    if let address = try cursor.address() {
      throw HDF5Error(
        .externalStorage,
        "the driver block at address \(address) says that several files hold the data",
        hint: "store everything in one file, for example with h5repart or h5repack")
    }
  }
}
