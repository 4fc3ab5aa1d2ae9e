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
