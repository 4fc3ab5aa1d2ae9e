#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Renames that are one step for the file system, where it has them.
///
/// Each tells whether it was carried out; `errno` says why not.
enum Rename {
  /// Exchanges what two names stand for, so that neither is ever absent.
  static func exchange(_ left: String, _ right: String) -> Bool {
    #if canImport(Darwin)
    renamex_np(left, right, UInt32(RENAME_SWAP)) == 0
    #else
    rename(left, right, Flags.exchange)
    #endif
  }

  /// Gives a file or folder a name that nothing has; fails with EEXIST otherwise.
  static func exclusively(_ source: String, to target: String) -> Bool {
    #if canImport(Darwin)
    renamex_np(source, target, UInt32(RENAME_EXCL)) == 0
    #else
    rename(source, target, Flags.noReplace)
    #endif
  }

  /// Whether a failure means that this file system or kernel lacks such renames.
  static func isUnsupported(_ number: Int32) -> Bool {
    number == ENOSYS || number == EINVAL || number == ENOTSUP || number == EOPNOTSUPP
  }
}

#if !canImport(Darwin)
extension Rename {
  /// Linux's own numbers; the C library declares them for GNU sources only.
  private enum Flags {
    static let noReplace: UInt32 = 1
    static let exchange: UInt32 = 2
  }

  private typealias Function =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  /// `renameat2` of the C library, which an older one and a static program lack.
  private static let function: Function? = dlsym(nil, "renameat2").map {
    unsafeBitCast($0, to: Function.self)
  }

  private static func rename(_ source: String, _ target: String, _ flags: UInt32) -> Bool {
    guard let function else {
      errno = ENOSYS
      return false
    }
    return function(AT_FDCWD, source, AT_FDCWD, target, flags) == 0
  }
}
#endif
