package import CTKModel
package import CTKText

/// Examples as token ids with their targets, tokenized once.
package struct TokenizedDataset: Sendable {
  private var tokenIDs: [Int32] = []
  private var tokenTypeIDs: [Int32] = []
  private var offsets: [Int] = [0]
  /// One for each example, or for each token where words are labelled.
  package let targets: Targets?
  /// Place of each word's first token within its example; empty unless words are labelled.
  package let firstPieces: [[Int?]]
  /// Class of each word of each example; empty unless words are labelled.
  package let tags: [[Int]]

  /// - Parameter targets: one for each encoding, or nil for unlabelled text.
  package init(_ encodings: [Encoding], targets: Targets?) {
    precondition(targets == nil || targets?.count == encodings.count)
    self.targets = targets
    firstPieces = []
    tags = []
    for encoding in encodings { append(encoding) }
  }

  /// Sentences whose words are labelled: the first token of each word has its class, and no
  /// other token has one.
  ///
  /// - Parameter tags: class of each word, or nil for unlabelled text.
  package init(_ sentences: [WordEncoding], tags: [[Int]]?) {
    firstPieces = sentences.map(\.firstPieces)
    self.tags = tags ?? []
    targets = tags.map { tags in
      .classes(zip(sentences, tags).flatMap { Self.tokenTargets($0, $1) })
    }
    for sentence in sentences { append(sentence.encoding) }
  }

  private static func tokenTargets(_ sentence: WordEncoding, _ tags: [Int]) -> [Int] {
    var targets = sentence.encoding.inputIDs.map { _ in Targets.unlabelled }
    for (piece, tag) in zip(sentence.firstPieces, tags) {
      if let piece { targets[piece] = tag }
    }
    return targets
  }

  private mutating func append(_ encoding: Encoding) {
    tokenIDs += encoding.inputIDs
    tokenTypeIDs += encoding.tokenTypeIDs
    offsets.append(tokenIDs.count)
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

  /// Numbers that tell the rows of logits of some examples from those of any other.
  package func rows(_ examples: some Sequence<Int>) -> [Int] {
    firstPieces.isEmpty
      ? Array(examples) : examples.flatMap { offsets[$0]..<offsets[$0 + 1] }
  }

  /// Targets of some examples, one for each row; the data must be labelled.
  package func targets(_ examples: some Sequence<Int>) -> Targets {
    switch targets {
    case .classes(let ids): .classes(rows(examples).map { ids[$0] })
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
  package func limits(of batches: [some Collection<Int>]) -> BatchLimits {
    BatchLimits(
      covering: batches.map { batch in
        let lengths = batch.map { length($0) }
        return BatchLimits(
          tokens: lengths.reduce(0, +), sequences: lengths.count, longest: lengths.max() ?? 0)
      })
  }

  /// Limits that hold every batch of the first epochs, and no more.
  func limits(of order: EpochOrder, epochs: Int) -> BatchLimits {
    BatchLimits(
      covering: (0..<epochs).map { epoch in
        limits(of: order.batches(of: order.permutation(epoch: epoch)[...]))
      })
  }
}
