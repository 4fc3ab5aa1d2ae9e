/// Several token sequences one after the other, without padding.
package struct PackedBatch: Sendable {
  /// Word-piece ids of all sequences.
  package private(set) var tokenIDs: [Int32] = []
  /// Zeros when there are none.
  package private(set) var tokenTypeIDs: [Int32] = []
  /// Whether the sequences came with token types; XLNet's attention has no segment term
  /// without them, which is not the same as zeros.
  package private(set) var hasTokenTypes = true
  /// Position of each token in its own sequence.
  package private(set) var positions: [Int32] = []
  /// First token of each sequence, and the token count at the end.
  package private(set) var offsets: [Int] = [0]
  /// Tokens of the longest sequence.
  package private(set) var longest = 0

  package init() {}

  /// Appends a sequence.
  ///
  /// - Parameter tokenTypeIDs: nil for all sequences of a batch, or for none.
  /// - Parameter positions: nil counts from zero.
  package mutating func append(
    tokenIDs: [Int32], tokenTypeIDs: [Int32]?, positions: [Int32]? = nil
  ) {
    let hasTypes = tokenTypeIDs != nil
    precondition(!tokenIDs.isEmpty && tokenIDs.count == tokenTypeIDs?.count ?? tokenIDs.count)
    precondition(sequenceCount == 0 || hasTokenTypes == hasTypes)
    hasTokenTypes = hasTypes
    self.tokenIDs += tokenIDs
    self.tokenTypeIDs += tokenTypeIDs ?? tokenIDs.map { _ in 0 }
    self.positions += positions ?? (0..<Int32(tokenIDs.count)).map { $0 }
    offsets.append(self.tokenIDs.count)
    longest = max(longest, tokenIDs.count)
  }

  package var tokenCount: Int { tokenIDs.count }
  package var sequenceCount: Int { offsets.count - 1 }

  package func length(_ sequence: Int) -> Int { offsets[sequence + 1] - offsets[sequence] }

  /// All sequences, and then all of them once more.
  package var doubled: PackedBatch {
    var doubled = PackedBatch()
    doubled.double(self)
    return doubled
  }

  /// Becomes another batch's sequences, and all of them once more, in the memory it has.
  package mutating func double(_ batch: PackedBatch) {
    removeAll()
    for _ in 0..<2 {
      let start = tokenIDs.count
      tokenIDs += batch.tokenIDs
      tokenTypeIDs += batch.tokenTypeIDs
      positions += batch.positions
      for end in batch.offsets.dropFirst() { offsets.append(start + end) }
    }
    (hasTokenTypes, longest) = (batch.hasTokenTypes, batch.longest)
  }

  private mutating func removeAll() {
    tokenIDs.removeAll(keepingCapacity: true)
    tokenTypeIDs.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    offsets.removeLast(sequenceCount)
  }
}

/// The largest batch a workspace must hold.
package struct BatchLimits: Sendable {
  package let tokens: Int
  package let sequences: Int
  package let longest: Int

  package init(tokens: Int, sequences: Int, longest: Int) {
    self.tokens = tokens
    self.sequences = sequences
    self.longest = longest
  }

  /// Limits of doubled batches.
  package var doubled: BatchLimits {
    BatchLimits(tokens: 2 * tokens, sequences: 2 * sequences, longest: longest)
  }

  /// Limits that hold what each of the others does.
  package init(covering limits: [BatchLimits]) {
    self.init(
      tokens: limits.map(\.tokens).max() ?? 0, sequences: limits.map(\.sequences).max() ?? 0,
      longest: limits.map(\.longest).max() ?? 0)
  }

  /// Limits that hold every one of the batches.
  package init(covering batches: [PackedBatch]) {
    self.init(
      covering: batches.map {
        BatchLimits(tokens: $0.tokenCount, sequences: $0.sequenceCount, longest: $0.longest)
      })
  }
}
