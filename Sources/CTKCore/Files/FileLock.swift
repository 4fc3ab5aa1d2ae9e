#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A lock on a file or folder that ctk's commands agree on, until the object goes away.
///
/// A change in place takes it alone; programs that work with weights where a file is mapped
/// take it together.
package final class FileLock: Sendable {
  package enum Kind: Sendable {
    case shared
    case exclusive
  }

  private let descriptor: Int32

  /// Nil when another lock is in the way, or where the file system has none.
  ///
  /// - Throws: `file.missing`, `file.unreadable`.
  package init?(path: String, _ kind: Kind) throws(CoreError) {
    let descriptor = try openToRead(path)
    if flock(descriptor, (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
