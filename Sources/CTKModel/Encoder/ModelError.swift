package import CTKCore

/// Codes of building and running a network.
package enum ModelErrorCode: String, FailureCode {
  case architectureUnsupported = "model.architecture-unsupported"
  case tokenOutOfRange = "model.token-out-of-range"
  case sequenceTooLong = "model.sequence-too-long"
  case tensorMissing = "model.tensor-missing"

  package var status: ExitStatus { .badInput }
}

package typealias ModelError = Failure<ModelErrorCode>
