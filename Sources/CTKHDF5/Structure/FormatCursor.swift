import CTKCore

/// The file from its base address on, with the widths its superblock declares.
struct FileImage {
  let bytes: UnsafeRawBufferPointer
  /// Bytes of a file address.
  let addressWidth: Int
  /// Bytes of a length.
  let lengthWidth: Int

  /// A reader of `byteCount` bytes, or of all that follow, at an address.
  ///
  /// - Throws: `hdf5.damaged` when the range leaves the file.
  func cursor(
    at address: UInt64, byteCount: UInt64? = nil, _ structure: StaticString
  ) throws(HDF5Error) -> FormatCursor {
    guard let start = Int(exactly: address), start < bytes.count else {
      throw HDF5Error(
        .damaged,
        "the \(structure) at address \(address) lies outside the file of \(bytes.count) bytes")
    }
    let available = bytes.count - start
    let count = byteCount ?? UInt64(available)
    guard count <= UInt64(available) else {
      throw HDF5Error(
        .damaged,
        "the \(structure) at address \(address) needs \(count) bytes, the file has \(available) left"
      )
    }
    return FormatCursor(image: self, range: start..<start + Int(count), structure: structure)
  }

  /// A reader of a range that was checked before.
  func cursor(in range: Range<Int>, _ structure: StaticString) -> FormatCursor {
    FormatCursor(image: self, range: range, structure: structure)
  }
}

/// A little-endian reader that never leaves its range.
struct FormatCursor {
  let image: FileImage
  let structure: StaticString
  let start: Int
  let end: Int
  private(set) var position: Int

  init(image: FileImage, range: Range<Int>, structure: StaticString) {
    self.image = image
    self.structure = structure
    start = range.lowerBound
    end = range.upperBound
    position = range.lowerBound
  }

  var remaining: Int { end - position }

  func damaged(_ what: String) -> HDF5Error {
    HDF5Error(.damaged, "the \(structure) at address \(start): \(what)")
  }

  /// Passes over bytes and returns where they lie.
  @discardableResult
  mutating func skip(_ count: Int) throws(HDF5Error) -> Range<Int> {
    guard count >= 0 && count <= remaining else {
      throw damaged("\(count) bytes are needed at \(position), \(remaining) are left")
    }
    defer { position += count }
    return position..<position + count
  }

  /// An unsigned number of 1 to 8 bytes.
  mutating func number(_ width: Int) throws(HDF5Error) -> UInt64 {
    guard width <= 8 else { throw damaged("a number of \(width) bytes") }
    let range = try skip(width)
    return range.reversed().reduce(0) { $0 << 8 | UInt64(image.bytes[$1]) }
  }

  mutating func byte() throws(HDF5Error) -> Int { Int(try number(1)) }
  mutating func short() throws(HDF5Error) -> Int { Int(try number(2)) }
  mutating func word() throws(HDF5Error) -> Int { Int(try number(4)) }
  mutating func length() throws(HDF5Error) -> UInt64 { try number(image.lengthWidth) }

  /// A file address; nil is the undefined one.
  mutating func address() throws(HDF5Error) -> UInt64? {
    let value = try number(image.addressWidth)
    return value == UInt64.max >> UInt64(64 - 8 * image.addressWidth) ? nil : value
  }

  mutating func requiredAddress(_ what: String) throws(HDF5Error) -> UInt64 {
    guard let address = try address() else { throw damaged("\(what) is at the undefined address") }
    return address
  }

  mutating func signature(_ text: StaticString) throws(HDF5Error) {
    let range = try skip(text.utf8CodeUnitCount)
    let matches = zip(range, 0..<text.utf8CodeUnitCount).allSatisfy {
      image.bytes[$0] == text.utf8Start[$1]
    }
    if !matches { throw damaged("the signature '\(text)' is missing") }
  }

  mutating func version(_ allowed: ClosedRange<Int>) throws(HDF5Error) -> Int {
    let version = try byte()
    guard allowed.contains(version) else { throw damaged("version \(version) is unknown") }
    return version
  }

  /// A NUL-terminated text, padded to a multiple of `alignment`; returns where
  /// its bytes lie, without the NUL.
  @discardableResult
  mutating func text(alignment: Int = 1) throws(HDF5Error) -> Range<Int> {
    let first = position
    while try byte() != 0 {}
    let used = position - first
    try skip((used + alignment - 1) / alignment * alignment - used)
    return first..<first + used - 1
  }

  /// A sub-reader of the next bytes, which are passed over.
  mutating func section(
    _ count: Int, _ structure: StaticString
  ) throws(HDF5Error) -> FormatCursor {
    FormatCursor(image: image, range: try skip(count), structure: structure)
  }

  /// Reads the checksum of everything from the start of the structure up to here.
  mutating func checksum() throws(HDF5Error) {
    let covered = UnsafeRawBufferPointer(rebasing: image.bytes[start..<position])
    let found = MetadataChecksum.of(covered)
    let stored = UInt32(try number(4))
    if stored != found { throw damaged("its checksum is \(stored), its bytes give \(found)") }
  }
}
