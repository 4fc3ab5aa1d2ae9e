package import CTKModel
package import CTKText

/// Examples as token ids with their targets, tokenized once.
package struct TokenizedDataset: Sendable {
  private var tokenIDs: [Int32] = []
  private var tokenTypeIDs: [Int32] = []
  private var offsets: [Int] = [0]
  package let targets: Targets?

  /// - Parameter targets: one for each encoding, or nil for unlabelled text.
  package init(_ encodings: [Encoding], targets: Targets?) {
    precondition(targets == nil || targets?.count == encodings.count)
    self.targets = targets
    for encoding in encodings {
      tokenIDs += encoding.inputIDs
      tokenTypeIDs += encoding.tokenTypeIDs
      offsets.append(tokenIDs.count)
    }
  }

  package var count: Int { offsets.count - 1 }
  package var tokenCount: Int { tokenIDs.count }

  package func length(_ example: Int) -> Int { offsets[example + 1] - offsets[example] }

  /// The examples packed into one batch, in the order given.
  package func batch(_ examples: some Sequence<Int>) -> PackedBatch {
    var batch = PackedBatch()
    for example in examples {
      let range = offsets[example]..<offsets[example + 1]
      batch.append(
        tokenIDs: Array(tokenIDs[range]), tokenTypeIDs: Array(tokenTypeIDs[range]))
    }
    return batch
  }

  /// Targets of some examples; the data must be labelled.
  package func targets(_ examples: some Sequence<Int>) -> Targets {
    switch targets {
    case .classes(let ids): .classes(examples.map { ids[$0] })
    case .scores(let values): .scores(examples.map { values[$0] })
    case nil: preconditionFailure("the examples have no labels")
    }
  }

  /// Examples in the order given, cut where a batch would pass the budget.
  ///
  /// - Parameter tokenBudget: most tokens of a batch, unless one example alone has more.
  package func batches(of examples: [Int], tokenBudget: Int) -> [[Int]] {
    var batches: [[Int]] = []
    var tokens = 0
    for example in examples {
      if batches.isEmpty || tokens + length(example) > tokenBudget {
        batches.append([])
        tokens = 0
      }
      batches[batches.count - 1].append(example)
      tokens += length(example)
    }
    return batches
  }

  /// Limits that hold every one of the batches.
  package func limits(of batches: [[Int]]) -> BatchLimits {
    BatchLimits(
      tokens: batches.map { batch in batch.map { length($0) }.reduce(0, +) }.max() ?? 0,
      sequences: batches.map(\.count).max() ?? 0,
      longest: batches.joined().map { length($0) }.max() ?? 0)
  }

  /// Limits that hold any batch of up to `batchSize` examples.
  package func limits(batchSize: Int) -> BatchLimits {
    let lengths = (0..<count).map { length($0) }.sorted(by: >)
    return BatchLimits(
      tokens: lengths.prefix(batchSize).reduce(0, +), sequences: min(batchSize, count),
      longest: lengths.first ?? 0)
  }
}
