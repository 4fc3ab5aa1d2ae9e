import CTKTensor

/// A map between hidden states and attention heads without a bias, of shape
/// [hidden, heads, head size] whichever way it maps.
struct HeadProjection {
  let weight: ParameterID
  /// From hidden states to heads (`y = x W`), or back (`y = x W^T`).
  let direction: Direction

  enum Direction {
    case toHeads
    case fromHeads
  }

  private var forwardOrientation: Orientation { direction == .toHeads ? .plain : .transposed }
  private var backwardOrientation: Orientation { direction == .toHeads ? .transposed : .plain }

  func forward(
    _ input: Matrix, into output: Matrix, _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(input, .plain, parameters.matrix(weight), forwardOrientation, into: output)
  }

  /// The input's gradient, added to `inputGradient` when `accumulates`.
  func backwardInput(
    _ outputGradient: Matrix, into inputGradient: Matrix, accumulates: Bool,
    _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(
      outputGradient, .plain, parameters.matrix(weight), backwardOrientation, into: inputGradient,
      from: accumulates ? .result : .zero)
  }

  func backwardParameters(
    input: Matrix, outputGradient: Matrix, examples: ExampleRows, sink: any GradientSink
  ) {
    guard sink.wants(weight) else { return }
    switch direction {
    case .toHeads:
      sink.product(weight, left: input, right: outputGradient, examples: examples)
    case .fromHeads:
      sink.product(weight, left: outputGradient, right: input, examples: examples)
    }
  }
}
