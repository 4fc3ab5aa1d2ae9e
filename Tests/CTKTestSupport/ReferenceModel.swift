import CTKCore
package import CTKModel
import CTKSafetensors
package import CTKTensor

/// A tiny reference checkpoint loaded into a network, with its parity numbers.
package struct ReferenceModel {
  /// The models that have parity files.
  package static let folders = [
    "bert", "bert-regression", "roberta", "electra", "distilbert", "xlnet",
  ]

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

  /// The network with other rates of dropout.
  package func network(
    hiddenDropout: Float, attentionDropout: Float, classifierDropout: Float? = nil
  ) throws -> SequenceClassifier {
    var configuration = network.configuration
    configuration.hiddenDropout = hiddenDropout
    configuration.attentionDropout = attentionDropout
    if let classifierDropout { configuration.classifierDropout = classifierDropout }
    return try SequenceClassifier(configuration: configuration, labelCount: network.labelCount)
  }

  /// The batch stored under a prefix, its padding left out.
  package func batch(_ prefix: String = "") throws -> PackedBatch {
    let ids = try parity.integers(prefix + "input_ids")
    let mask = try parity.integers(prefix + "attention_mask")
    let hasTypes = parity.tensors.info(of: prefix + "token_type_ids") != nil
    let types = hasTypes ? try parity.integers(prefix + "token_type_ids") : nil
    let columns = try parity.shape(prefix + "input_ids")[1]
    var batch = PackedBatch()
    for row in 0..<ids.count / columns {
      let real = (0..<columns).filter { mask[row * columns + $0] == 1 }
      let positions = positions(of: ids[row * columns..<(row + 1) * columns])
      batch.append(
        tokenIDs: real.map { Int32(ids[row * columns + $0]) },
        tokenTypeIDs: types.map { types in real.map { Int32(types[row * columns + $0]) } },
        positions: real.map { positions[$0] })
    }
    return batch
  }

  /// Positions in a padded sequence; RoBERTa's padding takes none, wherever it is.
  private func positions(of ids: ArraySlice<Int>) -> [Int32] {
    if network.configuration.architecture != .roberta { return (0..<Int32(ids.count)).map { $0 } }
    var next: Int32 = 0
    return ids.map { id in
      defer { if id != network.configuration.padTokenID { next += 1 } }
      return next
    }
  }

  /// Rows of a padded [B, L, H] tensor where the mask is 1.
  package func realRows(_ name: String, mask maskName: String) throws -> [Float] {
    let values = try parity.floats(name)
    let width = try parity.shape(name)[2]
    return try parity.integers(maskName).enumerated().flatMap { row, isReal in
      isReal == 1 ? Array(values[row * width..<(row + 1) * width]) : []
    }
  }

  /// Expected gradient of the mean loss; rows of a table that do not occur have none.
  package func expectedGradient(_ parameter: Parameter) throws -> [Float] {
    let stored = try parity.floats("grad." + parameter.name)
    let rowsName = "grad_rows." + parameter.name
    guard parity.tensors.info(of: rowsName) != nil else { return stored }
    var gradient = [Float](repeating: 0, count: parameter.count)
    let width = parameter.columns
    for (place, row) in try parity.integers(rowsName).enumerated() {
      gradient.replaceSubrange(
        row * width..<(row + 1) * width, with: stored[place * width..<(place + 1) * width])
    }
    return gradient
  }

  package func targets() throws -> Targets {
    network.labelCount == 1
      ? .scores(try parity.floats("labels")) : .classes(try parity.integers("labels"))
  }

  /// Runs an evaluation pass and lends its activations for the time of `body`.
  package func evaluate<Result>(
    _ batch: PackedBatch, compute: Compute = Compute(threadCount: 2),
    lastLayerRows: LastLayerRows = .read, _ body: (SequenceClassifier.Pass) throws -> Result
  ) rethrows -> Result {
    let workspace = workspace(for: batch, compute: compute, lastLayerRows: lastLayerRows)
    return try withExtendedLifetime(workspace) {
      try body(network.forward(batch, dropout: nil, parameters, workspace))
    }
  }

  package func workspace(
    for batch: PackedBatch, compute: Compute = Compute(threadCount: 2),
    lastLayerRows: LastLayerRows = .read
  ) -> Workspace {
    network.workspace(
      BatchLimits(covering: [batch]), compute: compute, lastLayerRows: lastLayerRows)
  }
}
