package import CTKTensor

/// Receiver of a backward pass's parameter gradients.
///
/// Backward hands over what a gradient is made of, not the gradient: the
/// receiver decides whether to form it, over which rows, and what to keep.
/// Gradients are with respect to the loss whose logit gradient was passed in.
package protocol GradientSink: AnyObject {
  /// Whether any entry of the parameter's gradient is needed.
  func wants(_ id: ParameterID) -> Bool

  /// Whether the examples of a batch are told apart; if not, backward may add up what
  /// they contribute before it hands it over.
  var separatesExamples: Bool { get }

  /// A matrix whose gradient is `left^T right`.
  ///
  /// A layer `y = x W^T` has `left = dy` and `right = x`; `y = x W` has them the other way round.
  /// - Parameter left: [rows, rows of the matrix].
  /// - Parameter right: [rows, columns of the matrix].
  /// - Parameter examples: rows of each of the batch's examples.
  func product(_ id: ParameterID, left: Matrix, right: Matrix, examples: ExampleRows)

  /// A vector whose gradient is the sum of the rows, such as a bias.
  func sum(_ id: ParameterID, rows: Matrix, examples: ExampleRows)

  /// A layer normalisation, from its input's rows and their kept statistics.
  func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: ExampleRows)

  /// Rows of an embedding table, picked by `indices`, one for each gradient row.
  func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: ExampleRows)
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
