import CHDF5
import CTKCore

/// Owner of one of libhdf5's identifiers; the only place that holds a `hid_t`.
struct LibraryHandle: ~Copyable {
  let id: hid_t
  private let close: (hid_t) -> herr_t

  /// - Throws: `hdf5.read-failed` when the library gave no identifier.
  init(
    _ id: hid_t, _ action: String, close: @escaping (hid_t) -> herr_t
  ) throws(HDF5Error) {
    guard id >= 0 else { throw HDF5Error(.readFailed, "\(action) failed in libhdf5") }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}
