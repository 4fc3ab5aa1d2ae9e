package import CTKCore
package import CTKModel
package import CTKTensor

/// Forward passes over data sets, sorted by length and without kept activations.
package struct Evaluator {
  /// Tokens of a batch, unless one text alone has more.
  private static let tokenBudget = 1024

  private let network: SequenceClassifier
  private let parameters: ParameterVector
  private let compute: Compute

  package init(network: SequenceClassifier, parameters: ParameterVector, compute: Compute) {
    self.network = network
    self.parameters = parameters
    self.compute = compute
  }

  /// Logits of every example in the data's order: one row each, or one row after the other of
  /// its tokens.
  ///
  /// - Throws: `model.token-out-of-range`, `model.sequence-too-long`.
  package func logits(
    of data: TokenizedDataset, progress: ProgressHandler? = nil
  ) throws(ModelError) -> [[Float]] {
    try run(data, progress: progress, visitHiddenStates: nil)
  }

  /// Logits, and the last layer's rows of each example as they come.
  ///
  /// - Parameter visitHiddenStates: nil when nobody wants them, so that only what the head
  ///   reads is formed.
  package func run(
    _ data: TokenizedDataset, progress: ProgressHandler?,
    visitHiddenStates: ((_ example: Int, _ rows: Matrix) -> Void)?
  ) throws(ModelError) -> [[Float]] {
    var results = [[Float]](repeating: [], count: data.count)
    let batches = plan(data)
    let workspace = try workspace(
      for: batches, data, lastLayerRows: visitHiddenStates == nil ? .read : .all)
    for (number, examples) in batches.enumerated() {
      let batch = data.batch(examples)
      let pass = network.evaluate(batch, parameters, workspace)
      for (row, example) in examples.enumerated() {
        let tokens = batch.offsets[row]..<batch.offsets[row + 1]
        let rows = network.headKind == .sequence ? row..<row + 1 : tokens
        results[example] = pass.logits.rows(rows).array()
        visitHiddenStates?(example, pass.lastHiddenState.rows(tokens))
      }
      progress?(
        ProgressEvent(
          stage: "evaluate", completed: number + 1, total: batches.count, unit: "batches"))
    }
    withExtendedLifetime(workspace) {}
    return results
  }

  private func workspace(
    for batches: [[Int]], _ data: TokenizedDataset, lastLayerRows: LastLayerRows
  ) throws(ModelError) -> Workspace {
    for examples in batches { try network.validate(data.batch(examples)) }
    return network.workspace(
      data.limits(of: batches), compute: compute, keeping: .none, lastLayerRows: lastLayerRows)
  }

  /// Examples from longest to shortest, cut where a batch reaches the token budget.
  private func plan(_ data: TokenizedDataset) -> [[Int]] {
    let order = (0..<data.count).sorted {
      (data.length($1), $0) < (data.length($0), $1)
    }
    return data.batches(of: order, tokenBudget: Self.tokenBudget)
  }
}
