#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The text of an errno value.
public func errnoText(_ number: Int32) -> String {
  String(cString: strerror(number))
}

/// A descriptor of an existing file or folder, which the caller closes.
///
/// - Throws: `file.missing`, `file.unreadable`.
func openToRead(_ path: String) throws(CoreError) -> Int32 {
  // Without O_NONBLOCK opening a named pipe waits for a writer that may never come.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  if descriptor >= 0 { return descriptor }
  let number = errno
  throw number == ENOENT || number == ENOTDIR
    ? CoreError(.fileMissing, "no such file", path: path)
    : CoreError(.fileUnreadable, errnoText(number), path: path)
}
