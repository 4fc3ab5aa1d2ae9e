package import CTKTensor

/// Receiver of a backward pass's parameter gradients.
///
/// Backward hands over what a gradient is made of, not the gradient: the
/// receiver decides whether to form it, over which rows, and what to keep.
/// Gradients are with respect to the loss whose logit gradient was passed in.
package protocol GradientSink: AnyObject {
  /// Whether any entry of the parameter's gradient is needed.
  func wants(_ id: ParameterID) -> Bool

  /// A linear layer `output = input * weight^T + bias`.
  ///
  /// - Parameter input: [rows, in].
  /// - Parameter outputGradient: [rows, out].
  /// - Parameter examples: row offsets of the batch's examples, one more than there are examples.
  func linear(
    weight: ParameterID, bias: ParameterID, input: Matrix, outputGradient: Matrix,
    examples: [Int])

  /// A layer normalisation, from its input's rows and their kept statistics.
  func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: [Int])

  /// Rows of an embedding table, picked by `indices`, one for each gradient row.
  func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: [Int])
}

/// What a layer normalisation keeps for its backward pass.
package struct NormInput {
  /// [rows, columns] before normalisation.
  package let values: Matrix
  /// Mean of each row.
  package let mean: UnsafeMutablePointer<Float>
  /// Reciprocal standard deviation of each row.
  package let rstd: UnsafeMutablePointer<Float>

  package init(
    values: Matrix, mean: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>
  ) {
    self.values = values
    self.mean = mean
    self.rstd = rstd
  }

  /// Some consecutive rows.
  package func rows(_ range: Range<Int>) -> NormInput {
    NormInput(
      values: values.rows(range), mean: mean + range.lowerBound, rstd: rstd + range.lowerBound)
  }
}
