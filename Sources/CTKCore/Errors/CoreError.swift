/// Codes of files, JSON and arithmetic.
public enum CoreErrorCode: String, FailureCode {
  case fileMissing = "file.missing"
  case fileUnreadable = "file.unreadable"
  case fileNotRegular = "file.not-regular"
  case fileChanged = "file.changed"
  case outputExists = "output.exists"
  case outputCannotCreate = "output.cannot-create"
  case outputWriteFailed = "output.write-failed"
  case outputDiskFull = "output.disk-full"
  case outputClosed = "output.closed"
  case jsonInvalid = "json.invalid"
  case jsonDuplicateKey = "json.duplicate-key"
  case jsonTooDeep = "json.too-deep"
  case jsonNotUTF8 = "json.not-utf8"
  case jsonWrongType = "json.wrong-type"
  case shapeOverflow = "shape.overflow"
  case tensorMissing = "tensor.missing"
  case configInvalid = "config.invalid"
  case configUnsupported = "config.unsupported"

  public var status: ExitStatus {
    switch self {
    case .fileMissing: .inputMissing
    case .fileUnreadable, .fileChanged, .outputWriteFailed, .outputDiskFull, .outputClosed: .ioError
    case .outputExists, .outputCannotCreate: .cannotCreate
    default: .badInput
    }
  }
}

public typealias CoreError = Failure<CoreErrorCode>
