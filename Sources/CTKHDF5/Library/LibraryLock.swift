import CHDF5
import CTKCore
import Synchronization

/// libhdf5 is process-wide, so one caller is let in at a time; it prints nothing.
enum LibraryLock {
  private static let mutex = Mutex(())

  /// The library would write again what a full disk has refused when the process ends, and crash.
  private static let leavesExitAlone = H5dont_atexit() >= 0

  static func run(_ body: () throws(HDF5Error) -> Void) throws(HDF5Error) {
    try mutex.withLock { (_) throws(HDF5Error) in
      _ = leavesExitAlone
      H5Eset_auto2(ctk_h5_default_error_stack(), nil, nil)
      try body()
    }
  }
}
