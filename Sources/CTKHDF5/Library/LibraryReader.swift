import CHDF5
import CTKCore

/// Reads the values of a dataset with libhdf5, which ctk's own check has passed.
enum LibraryReader {
  /// Fills `target` with a dataset's values in little-endian order.
  ///
  /// - Parameter address: of the dataset's object header, counted from the base address.
  /// - Throws: `hdf5.read-failed`.
  static func read(
    _ path: String, address: UInt64, isBigEndian: Bool,
    into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) {
    // Disjoint from everything else: the caller owns the buffer for the whole call.
    nonisolated(unsafe) let target = target
    try LibraryLock.run { () throws(HDF5Error) in
      try readAlone(path, address: address, isBigEndian: isBigEndian, into: target)
    }
  }

  private static func readAlone(
    _ path: String, address: UInt64, isBigEndian: Bool,
    into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) {
    let file = try LibraryHandle(
      H5Fopen(path, ctk_h5_read_only(), ctk_h5_default_properties()), "opening the file",
      close: H5Fclose)
    let dataset = try LibraryHandle(
      H5Oopen_by_addr(file.id, haddr_t(address)), "opening the dataset", close: H5Oclose)
    let stored = try LibraryHandle(
      H5Dget_type(dataset.id), "reading the element type", close: H5Tclose)
    let wanted = try LibraryHandle(
      H5Tcopy(stored.id), "copying the element type", close: H5Tclose)
    if isBigEndian { H5Tset_order(wanted.id, H5T_ORDER_LE) }
    let status = H5Dread(
      dataset.id, wanted.id, ctk_h5_whole_space(), ctk_h5_whole_space(),
      ctk_h5_default_properties(), target.baseAddress)
    if status < 0 { throw HDF5Error(.readFailed, "libhdf5 could not read the values") }
  }
}
