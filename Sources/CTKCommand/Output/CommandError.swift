import CTKCore

/// Codes of the command line itself.
enum CommandErrorCode: String, FailureCode {
  case inputInvalid = "input.invalid"
  case internalError = "internal.error"

  var status: ExitStatus {
    switch self {
    case .inputInvalid: .badInput
    case .internalError: .failed
    }
  }
}

typealias CommandError = Failure<CommandErrorCode>
