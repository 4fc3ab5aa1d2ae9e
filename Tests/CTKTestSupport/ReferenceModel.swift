import CTKCore
package import CTKModel
import CTKSafetensors
package import CTKTensor

/// A tiny reference checkpoint loaded into a network, with its parity numbers.
package struct ReferenceModel {
  package let parity: ParityFile
  package let network: SequenceClassifier
  package let parameters: ParameterVector

  package init(_ folder: String) throws {
    parity = try ParityFile(folder)
    let base = Fixtures.path("checkpoints/\(folder)/pt")
    let configuration = try ModelConfiguration(
      json: JSONParser.parseFile(base + "/config.json"))
    let labelCount = parity.facts["num_labels"]?.intValue ?? 0
    network = try SequenceClassifier(configuration: configuration, labelCount: labelCount)
    parameters = ParameterVector(layout: network.layout)
    let missing = try parameters.load(from: SafetensorsFile(path: base + "/model.safetensors"))
    precondition(missing.isEmpty)
  }

  /// The batch stored under a prefix, its padding left out.
  package func batch(_ prefix: String = "") throws -> PackedBatch {
    let ids = try parity.integers(prefix + "input_ids")
    let mask = try parity.integers(prefix + "attention_mask")
    let hasTypes = parity.tensors.info(of: prefix + "token_type_ids") != nil
    let types = hasTypes ? try parity.integers(prefix + "token_type_ids") : ids.map { _ in 0 }
    let columns = try parity.shape(prefix + "input_ids")[1]
    var batch = PackedBatch()
    for row in 0..<ids.count / columns {
      let real = (0..<columns).filter { mask[row * columns + $0] == 1 }
      batch.append(
        tokenIDs: real.map { Int32(ids[row * columns + $0]) },
        tokenTypeIDs: real.map { Int32(types[row * columns + $0]) },
        positions: real.map { Int32($0) })
    }
    return batch
  }

  /// Rows of a padded [B, L, H] tensor where the mask is 1.
  package func realRows(_ name: String, mask maskName: String) throws -> [Float] {
    let values = try parity.floats(name)
    let width = try parity.shape(name)[2]
    return try parity.integers(maskName).enumerated().flatMap { row, isReal in
      isReal == 1 ? Array(values[row * width..<(row + 1) * width]) : []
    }
  }

  package func targets() throws -> Targets {
    network.labelCount == 1
      ? .scores(try parity.floats("labels")) : .classes(try parity.integers("labels"))
  }

  /// Runs an evaluation pass and lends its activations for the time of `body`.
  package func evaluate<Result>(
    _ batch: PackedBatch, compute: Compute = Compute(threadCount: 2),
    _ body: (SequenceClassifier.Pass) throws -> Result
  ) rethrows -> Result {
    let workspace = workspace(for: batch, compute: compute)
    return try withExtendedLifetime(workspace) {
      try body(network.forward(batch, dropout: nil, parameters, workspace))
    }
  }

  package func workspace(for batch: PackedBatch, compute: Compute = Compute(threadCount: 2))
    -> Workspace
  {
    network.workspace(BatchLimits(covering: [batch]), compute: compute)
  }
}
