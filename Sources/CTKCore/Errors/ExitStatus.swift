/// How a command ends, as listed in `formats/errors.md`.
public enum ExitStatus: Int32, Sendable {
  case done = 0
  case failed = 1
  case differs = 2
  case usage = 64
  case badInput = 65
  case inputMissing = 66
  case cannotCreate = 73
  case ioError = 74
  case interrupted = 130
}
