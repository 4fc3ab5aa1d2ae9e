package import CTKCore

/// Codes of task data, masks, options and runs.
package enum TuningErrorCode: String, FailureCode {
  case taskUnknown = "task.unknown"
  case dataMissing = "data.missing"
  case dataEmpty = "data.empty"
  case dataNotUTF8 = "data.not-utf8"
  case dataColumnMissing = "data.column-missing"
  case dataTooFewColumns = "data.too-few-columns"
  case dataLabelUnknown = "data.label-unknown"
  case dataRowInvalid = "data.row-invalid"
  case methodUnknown = "method.unknown"
  case methodContradictory = "method.contradictory"
  case maskWrongBase = "mask.wrong-base"
  case maskEmpty = "mask.empty-scope"
  case keepInvalid = "mask.keep-invalid"
  case patternInvalid = "options.pattern-invalid"
  case optionInvalid = "options.invalid"
  case headMismatch = "tuning.head-mismatch"
  case tokenizerMismatch = "tuning.tokenizer-mismatch"
  case notFinite = "tuning.not-finite"
  case stateInvalid = "run.state-invalid"
  case runMismatch = "run.mismatch"
  case runMissing = "run.missing"
  case runUnsupported = "run.unsupported"
  case runIncomplete = "run.incomplete"
  case interrupted = "run.interrupted"

  package var status: ExitStatus {
    switch self {
    case .taskUnknown, .methodUnknown, .methodContradictory, .keepInvalid, .patternInvalid,
      .optionInvalid:
      .usage
    case .dataMissing, .runMissing: .inputMissing
    case .notFinite: .failed
    case .interrupted: .interrupted
    default: .badInput
    }
  }
}

package typealias TuningError = Failure<TuningErrorCode>
