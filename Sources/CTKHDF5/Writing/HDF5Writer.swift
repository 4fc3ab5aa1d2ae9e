import CHDF5
public import CTKCore

/// Writes f32 tensors and lists of names into a new HDF5 file, one at a time, with libhdf5.
///
/// The oldest structures that hold them are used, so that every reader knows them: a superblock
/// of version 0, groups with symbol tables, contiguous little-endian values.
public struct HDF5Writer: ~Copyable {
  private let path: String
  private let file: LibraryHandle
  private let linkProperties: LibraryHandle

  /// Elements of an attribute are 16 bytes in an object header, which has no room for 64 KiB.
  private static let namesPerAttribute = 4000

  /// Creates the file, or empties it.
  ///
  /// - Throws: `hdf5.write-failed`.
  public init(path: String) throws(HDF5Error) {
    let file = try Self.created("the file '\(path)'", close: H5Fclose) {
      H5Fcreate(
        path, ctk_h5_truncate(), ctk_h5_default_properties(), ctk_h5_default_properties())
    }
    let linkProperties = try Self.created("link properties", close: H5Pclose) {
      let properties = H5Pcreate(ctk_h5_link_creation_class())
      H5Pset_create_intermediate_group(properties, 1)
      return properties
    }
    self.init(path: path, file: file, linkProperties: linkProperties)
  }

  private init(
    path: String, file: consuming LibraryHandle, linkProperties: consuming LibraryHandle
  ) {
    self.path = path
    self.file = file
    self.linkProperties = linkProperties
  }

  /// Writes a dataset and the groups of its path.
  ///
  /// - Parameter values: as many little-endian f32 as the shape has elements.
  /// - Throws: `hdf5.write-failed`.
  public func write(
    _ name: String, shape: [Int], _ values: UnsafeRawBufferPointer
  ) throws(HDF5Error) {
    precondition(values.count == shape.reduce(4, *))
    // Lent by the caller for the whole call.
    nonisolated(unsafe) let values = values
    try locked { () throws(HDF5Error) in
      let extents = shape.map { hsize_t($0) }
      let space = try LibraryHandle(
        writing: shape.isEmpty
          ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(extents.count), extents, nil),
        "a dataspace", close: H5Sclose)
      let dataset = try LibraryHandle(
        writing: H5Dcreate2(
          file.id, name, ctk_h5_little_endian_float(), space.id, linkProperties.id,
          ctk_h5_default_properties(), ctk_h5_default_properties()),
        "the dataset '\(name)'", close: H5Dclose)
      let status = H5Dwrite(
        dataset.id, ctk_h5_little_endian_float(), ctk_h5_whole_space(), ctk_h5_whole_space(),
        ctk_h5_default_properties(), values.baseAddress)
      try require(status, "writing the dataset '\(name)'")
      // What closing would write and could not would be lost without a word.
      try require(H5Dflush(dataset.id), "writing the dataset '\(name)'")
    }
  }

  /// Gives a dataset a second name, which takes no further room for its values.
  ///
  /// - Throws: `hdf5.write-failed`.
  public func link(_ name: String, to existing: String) throws(HDF5Error) {
    try locked { () throws(HDF5Error) in
      let status = H5Lcreate_hard(
        file.id, existing, file.id, name, linkProperties.id, ctk_h5_default_properties())
      try require(status, "linking '\(name)'")
    }
  }

  /// Sets an attribute that is a list of names; a long list is split into `name0`, `name1` and
  /// so on, as Keras does.
  ///
  /// - Parameter group: a group that exists; "/" is the root.
  /// - Throws: `hdf5.write-failed`.
  public func setNames(
    _ attribute: String, _ names: [String], of group: String
  ) throws(HDF5Error) {
    let parts = stride(from: 0, to: names.count, by: Self.namesPerAttribute).map { start in
      Array(names[start..<min(start + Self.namesPerAttribute, names.count)])
    }
    for (number, part) in parts.enumerated() {
      let name = parts.count == 1 ? attribute : attribute + String(number)
      try setStrings(name, part, isScalar: false, of: group)
    }
  }

  /// Sets an attribute that is one string.
  ///
  /// - Throws: `hdf5.write-failed`.
  public func setString(
    _ attribute: String, _ value: String, of group: String
  ) throws(HDF5Error) {
    try setStrings(attribute, [value], isScalar: true, of: group)
  }

  /// Writes everything to the file.
  ///
  /// - Throws: `hdf5.write-failed`.
  public consuming func close() throws(HDF5Error) {
    try locked { () throws(HDF5Error) in
      try require(H5Fflush(file.id, H5F_SCOPE_GLOBAL), "writing the file to the end")
    }
  }

  // MARK: The library's calls

  private static func created(
    _ what: String, close: @escaping (hid_t) -> herr_t, _ body: () -> hid_t
  ) throws(HDF5Error) -> LibraryHandle {
    var id: hid_t = -1
    try LibraryLock.run { id = body() }
    return try LibraryHandle(writing: id, what, close: close)
  }

  private func setStrings(
    _ attribute: String, _ values: [String], isScalar: Bool, of group: String
  ) throws(HDF5Error) {
    try locked { () throws(HDF5Error) in
      let type = try LibraryHandle(
        writing: H5Tcopy(ctk_h5_c_string()), "a string type", close: H5Tclose)
      H5Tset_size(type.id, ctk_h5_variable_length())
      let extent = [hsize_t(values.count)]
      let space = try LibraryHandle(
        writing: isScalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, extent, nil),
        "a dataspace", close: H5Sclose)
      let created = try LibraryHandle(
        writing: H5Acreate_by_name(
          file.id, group, attribute, type.id, space.id, ctk_h5_default_properties(),
          ctk_h5_default_properties(), ctk_h5_default_properties()),
        "the attribute '\(attribute)'", close: H5Aclose)
      let status = Self.withCStrings(values) { H5Awrite(created.id, type.id, $0) }
      try require(status, "writing the attribute '\(attribute)'")
    }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    let bytes = strings.flatMap { Array($0.utf8CString) }
    return bytes.withUnsafeBufferPointer { buffer in
      var start = 0
      let pointers = strings.map { string -> UnsafePointer<CChar>? in
        defer { start += string.utf8.count + 1 }
        return buffer.baseAddress.map { $0 + start }
      }
      return body(pointers)
    }
  }

  private func require(_ status: herr_t, _ action: String) throws(HDF5Error) {
    if status < 0 { throw LibraryFailure.ofWriting(action, path: path) }
  }

  private borrowing func locked(_ body: () throws(HDF5Error) -> Void) throws(HDF5Error) {
    do {
      try LibraryLock.run(body)
    } catch {
      throw error.at(path)
    }
  }
}

extension LibraryHandle {
  /// - Throws: `hdf5.write-failed` when the library gave no identifier.
  fileprivate init(
    writing id: hid_t, _ what: String, close: @escaping (hid_t) -> herr_t
  ) throws(HDF5Error) {
    do {
      try self.init(id, "creating \(what)", close: close)
    } catch {
      throw HDF5Error(.writeFailed, error.message)
    }
  }
}
