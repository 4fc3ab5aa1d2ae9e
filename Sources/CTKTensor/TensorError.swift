package import CTKCore

/// Codes of tensor storage and arithmetic.
package enum TensorErrorCode: String, FailureCode {
  case notFloat = "tensor.not-float"
  case shapeMismatch = "tensor.shape-mismatch"

  package var status: ExitStatus { .badInput }
}

package typealias TensorError = Failure<TensorErrorCode>
