import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import Testing

/// What training commits before its first step is what its steps take, and little more.
@Suite(.tags(.numeric))
struct PassSizeTests {
  private static let cases = ReferenceModel.folders.flatMap { folder in
    [KeptActivations.all, .layerInputs].flatMap { kept in
      [LastLayerRows.read, .all].map { (folder, kept, $0) }
    }
  }

  /// 24 sequences of 7 to 30 tokens.
  private var batch: PackedBatch {
    var batch = PackedBatch()
    for sequence in 0..<24 {
      let ids = (0..<7 + sequence).map { Int32(($0 * 31 + sequence) % 50 + 10) }
      batch.append(tokenIDs: ids, tokenTypeIDs: nil)
    }
    return batch
  }

  @Test(arguments: cases)
  func aPassTakesAlmostAll(
    _ folder: String, _ kept: KeptActivations, _ rows: LastLayerRows
  ) throws {
    let model = try ReferenceModel(folder)
    let network = try model.network(hiddenDropout: 0.1, attentionDropout: 0.1)
    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: Compute(threadCount: 2), keeping: kept,
      lastLayerRows: rows)
    let pass = network.forward(
      batch, dropout: DropoutStream(seed: 5, step: 2), model.parameters, workspace)
    network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: DenseGradient(network.layout),
      model.parameters, workspace)
    let share = Double(workspace.arena.peak) / Double(workspace.arena.capacity)
    // Relative attention is sized for more distances than a batch has.
    #expect(share > (folder == "xlnet" ? 0.87 : 0.92))
  }
}
