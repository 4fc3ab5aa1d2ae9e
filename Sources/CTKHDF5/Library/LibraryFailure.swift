import CHDF5
import CTKCore

/// What the call of libhdf5 that failed last says about itself.
enum LibraryFailure {
  /// - Parameter action: what was tried.
  /// - Returns: `output.disk-full` or `output.write-failed` where the system refused a write,
  ///   else `hdf5.write-failed`.
  static func ofWriting(_ action: String, path: String) -> HDF5Error {
    guard let text = innermostDescription() else {
      return HDF5Error(.writeFailed, "\(action) failed in libhdf5", path: path)
    }
    if let number = systemError(in: text) {
      return HDF5Error(wrapping: Output.writeError(number, path: path))
    }
    return HDF5Error(.writeFailed, "\(action) failed in libhdf5: \(text)", path: path)
  }

  /// The description of the error that was met first.
  private static func innermostDescription() -> String? {
    var text: String?
    withUnsafeMutablePointer(to: &text) { pointer in
      _ = H5Ewalk2(
        ctk_h5_default_error_stack(), H5E_WALK_UPWARD,
        { _, record, target in
          guard let description = record?.pointee.desc else { return 0 }
          target?.assumingMemoryBound(to: String?.self).pointee = String(cString: description)
          return 1
        }, pointer)
    }
    return text
  }

  /// The number in "errno = 28", as the library's file driver writes it.
  private static func systemError(in text: String) -> Int32? {
    guard let mark = text.firstRange(of: "errno = ") else { return nil }
    return Int32(text[mark.upperBound...].prefix { $0.isWholeNumber })
  }
}
