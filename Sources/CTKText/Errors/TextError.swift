public import CTKCore

/// Codes of tokenizers and their files.
public enum TextErrorCode: String, FailureCode {
  case tokenizerMissing = "text.tokenizer-missing"
  case tokenizerMalformed = "text.tokenizer-malformed"
  case tokenizerUnsupported = "text.tokenizer-unsupported"
  case vocabularyDuplicate = "text.vocabulary-duplicate"
  case vocabularyInvalid = "text.vocabulary-invalid"
  case mergeInvalid = "text.merge-invalid"
  case specialTokenMissing = "text.special-token-missing"

  public var status: ExitStatus {
    switch self {
    case .tokenizerMissing: .inputMissing
    default: .badInput
    }
  }
}

public typealias TextError = Failure<TextErrorCode>
