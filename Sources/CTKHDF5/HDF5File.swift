public import CTKCore

/// The tensors of an HDF5 file, whatever layout its writer had in mind.
///
/// Names are dataset paths without the leading slash. Only what the file itself
/// holds is read: links, external storage and virtual datasets are refused. A
/// contiguous little-endian dataset is lent straight from the mapped file; all
/// others are read by libhdf5, one at a time. The library trusts the lengths and
/// addresses it finds, so it sees a file only after ctk has walked its structure.
public final class HDF5File: TensorSource {
  public let path: String
  /// What was left out and why: strings, compounds, groups met twice.
  public let findings: [String]

  private let directory: FileDirectory
  private let mapping: MappedFile
  private let superblock: Superblock
  /// Where the file lies in the mapped one, which may be an archive.
  private let extent: Range<Int>
  private let isMember: Bool

  /// Opens a file and lists it.
  ///
  /// - Throws: `file.missing` and the other codes of `MappedFile`;
  ///   `hdf5.not-hdf5`, `hdf5.truncated`, `hdf5.damaged`, `hdf5.limit-exceeded`;
  ///   the refusals `hdf5.link-refused`, `hdf5.external-storage`,
  ///   `hdf5.virtual-dataset`, `hdf5.shape-bomb`, `hdf5.filter-unsupported`; and
  ///   `hdf5.type-unsupported` when a file with datasets holds no tensor.
  public convenience init(path: String) throws(HDF5Error) {
    try self.init(path: path, member: nil)
  }

  /// Opens a file that is stored as it is inside another, such as the weights in a `.keras`
  /// archive.
  ///
  /// - Parameter member: its bytes in the file at `path`.
  /// - Throws: as `init(path:)`; `hdf5.truncated` when the file ends before the member.
  public convenience init(path: String, member: Range<Int>) throws(HDF5Error) {
    try self.init(path: path, member: .some(member))
  }

  private init(path: String, member: Range<Int>?) throws(HDF5Error) {
    do throws(HDF5Error) {
      self.path = path
      let mapping = try HDF5Error.wrap { () throws(CoreError) in try MappedFile(path: path) }
      let extent = member ?? 0..<mapping.byteCount
      guard extent.upperBound <= mapping.byteCount else {
        throw HDF5Error(.truncated, "the archive ends inside its member")
      }
      isMember = member != nil
      self.extent = extent
      (superblock, directory) = try mapping.withBytes { (file) throws(HDF5Error) in
        let bytes = UnsafeRawBufferPointer(rebasing: file[extent])
        let superblock = try Superblock(bytes)
        let image = superblock.image(of: bytes)
        try Self.checkExtension(superblock, image)
        return (superblock, try DirectoryWalker.walk(image, root: superblock.rootHeader))
      }
      self.mapping = mapping
      findings = directory.findings
    } catch {
      throw error.at(path)
    }
  }

  public var tensors: [TensorInfo] { directory.tensors.map(\.info) }

  public func info(of name: String) -> TensorInfo? {
    directory.position(of: name).map { directory.tensors[$0].info }
  }

  /// Lends the tensor's little-endian, row-major bytes for the time of `body`.
  ///
  /// - Throws: `tensor.missing`, `hdf5.damaged`, `hdf5.shape-bomb`,
  ///   `hdf5.limit-exceeded`, `hdf5.read-failed`, and what `body` throws.
  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let position = directory.position(of: name) else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: path)
    }
    let (info, dataset) = directory.tensors[position]
    return try mapping.withBytes { bytes in
      let reader = DatasetReader(dataset: dataset, info: info, image: image(of: bytes))
      if let lent = reader.lent { return try body(lent) }
      let buffer = try readBytes(reader)
      defer { extendLifetime(buffer) }
      return try body(UnsafeRawBufferPointer(buffer.bytes))
    }
  }

  /// Gives back the memory that reading a tensor's bytes, or a part of them, took.
  ///
  /// They can be read again, from the disk. An unknown name has no effect.
  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let position = directory.position(of: name),
      case .contiguous(let range) = directory.tensors[position].dataset.storage
    else { return }
    let start = extent.lowerBound + superblock.baseOffset + range.lowerBound
    // The parts of a converted tensor are not those of the file.
    let isLent = range.count == directory.tensors[position].info.byteCount
    let lent = (isLent ? part : nil) ?? 0..<range.count
    mapping.discard(start + lent.lowerBound..<start + lent.upperBound)
  }

  private func image(of file: UnsafeRawBufferPointer) -> FileImage {
    superblock.image(of: UnsafeRawBufferPointer(rebasing: file[extent]))
  }

  private func readBytes(_ reader: DatasetReader) throws(HDF5Error) -> ByteBuffer {
    do {
      return try reader.read(from: isMember ? nil : path)
    } catch {
      throw error.at(path)
    }
  }

  private static func checkExtension(
    _ superblock: Superblock, _ image: FileImage
  ) throws(HDF5Error) {
    guard let address = superblock.extensionHeader else { return }
    if try ObjectHeader(image, at: address).has(.driverInfo) {
      throw HDF5Error(
        .externalStorage, "the superblock extension says that several files hold the data",
        hint: "store everything in one file, for example with h5repart or h5repack")
    }
  }
}

// MARK: Attributes

extension HDF5File {
  /// An attribute that is one string; nil when there is none of that name.
  ///
  /// - Parameter group: a path as in tensor names; "" is the root.
  /// - Throws: `hdf5.attribute-unsupported`, `hdf5.damaged`.
  public func stringAttribute(_ name: String, of group: String) throws(HDF5Error) -> String? {
    guard let strings = try strings(name, of: group) else { return nil }
    guard strings.count == 1 else {
      throw HDF5Error(
        .attributeUnsupported,
        "the attribute '\(name)' of '/\(group)' holds \(strings.count) strings, 1 expected",
        path: path)
    }
    return strings[0]
  }

  /// An attribute that is a list of strings; nil when there is none of that name.
  ///
  /// A list that Keras split because of its size (`weight_names0`,
  /// `weight_names1`, ...) is put together again.
  ///
  /// - Throws: as `stringAttribute(_:of:)`.
  public func stringListAttribute(
    _ name: String, of group: String
  ) throws(HDF5Error) -> [String]? {
    if let whole = try strings(name, of: group) { return whole }
    guard var list = try strings(name + "0", of: group) else { return nil }
    var part = 1
    while let more = try strings(name + String(part), of: group) {
      list += more
      part += 1
    }
    return list
  }

  private func strings(_ name: String, of group: String) throws(HDF5Error) -> [String]? {
    guard let address = directory.groups[Array(group.utf8)] else { return nil }
    do {
      return try mapping.withBytes { (bytes) throws(HDF5Error) in
        let object = try ObjectHeader(image(of: bytes), at: address)
        return try ObjectAttributes.strings(name, of: object)
      }
    } catch {
      throw error.at(path)
    }
  }
}
