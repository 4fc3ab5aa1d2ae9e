/// The ways a zip archive can be wrong.
public enum ArchiveErrorCode: String, FailureCode {
  /// There is no end record where a zip archive has one.
  case notZip = "zip.not-zip"
  /// A record contradicts another, or reaches past its place.
  case damaged = "zip.damaged"
  /// A name that is no plain path inside the archive, or one that is there twice.
  case nameUnsafe = "zip.name-unsafe"
  /// Encryption, several disks, or a compression other than deflate.
  case unsupported = "zip.unsupported"
  case limitExceeded = "zip.limit-exceeded"

  public var status: ExitStatus { .badInput }
}

public typealias ArchiveError = Failure<ArchiveErrorCode>
