import CKernels
package import CTKCore
package import CTKTensor

/// An element-wise activation and its derivative.
package struct ActivationKernel: Sendable {
  private let kind: Int32

  package init(_ activation: Activation) {
    let kernel: ctk_activation =
      switch activation {
      case .gelu: CTK_GELU
      case .geluTanh: CTK_GELU_TANH
      case .relu: CTK_RELU
      case .silu: CTK_SILU
      case .tanh: CTK_TANH
      }
    kind = Int32(kernel.rawValue)
  }

  /// `y = f(x)`.
  package func forward(_ x: Matrix, into y: Matrix, _ compute: Compute) {
    precondition(x.isContiguous && y.isContiguous)
    compute.parallel(x.rows, weight: 8 * x.columns) { part in
      compute.kernels.activation(
        x.rows(part).base, y.rows(part).base, part.count * x.columns, kind)
    }
  }

  /// Multiplies `gradient` by `f'(x)` in place and forms `f(x)` again.
  package func backward(_ x: Matrix, gradient: Matrix, activated: Matrix, _ compute: Compute) {
    precondition(x.isContiguous && gradient.isContiguous && activated.isContiguous)
    compute.parallel(x.rows, weight: 8 * x.columns) { part in
      compute.kernels.activation_backward(
        x.rows(part).base, gradient.rows(part).base, activated.rows(part).base,
        part.count * x.columns, kind)
    }
  }
}
