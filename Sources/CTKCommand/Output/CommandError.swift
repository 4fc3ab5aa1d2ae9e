import CTKCore

/// Codes of the command line itself.
enum CommandErrorCode: String, FailureCode {
  case inputInvalid = "input.invalid"

  var status: ExitStatus { .badInput }
}

typealias CommandError = Failure<CommandErrorCode>
