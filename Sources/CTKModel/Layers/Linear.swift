import CTKTensor

/// A dense layer `y = x W^T + b` with W of shape [out, in].
struct Linear {
  let weight: ParameterID
  let bias: ParameterID

  func forward(
    _ input: Matrix, into output: Matrix, _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(
      input, .plain, parameters.matrix(weight), .transposed, into: output,
      from: .bias(parameters.pointer(bias)))
  }

  /// `dx = dy W`, added to `inputGradient` when `accumulates`.
  func backwardInput(
    _ outputGradient: Matrix, into inputGradient: Matrix, accumulates: Bool,
    _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(
      outputGradient, .plain, parameters.matrix(weight), .plain, into: inputGradient,
      from: accumulates ? .result : .zero)
  }

  func backwardParameters(
    input: Matrix, outputGradient: Matrix, examples: ExampleRows, sink: any GradientSink
  ) {
    if sink.wants(weight) {
      sink.product(weight, left: outputGradient, right: input, examples: examples)
    }
    if sink.wants(bias) { sink.sum(bias, rows: outputGradient, examples: examples) }
  }
}
