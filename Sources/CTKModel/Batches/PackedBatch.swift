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
  }

  package var tokenCount: Int { tokenIDs.count }
  package var sequenceCount: Int { offsets.count - 1 }

  package func length(_ sequence: Int) -> Int { offsets[sequence + 1] - offsets[sequence] }

  /// All sequences, and then all of them once more.
  package var doubled: PackedBatch {
    var doubled = self
    doubled.tokenIDs += tokenIDs
    doubled.tokenTypeIDs += tokenTypeIDs
    doubled.positions += positions
    doubled.offsets += offsets.dropFirst().map { tokenCount + $0 }
    return doubled
  }

  package var longest: Int { (0..<sequenceCount).map { length($0) }.max() ?? 0 }
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

  /// Limits that hold every one of the batches.
  package init(covering batches: [PackedBatch]) {
    self.init(
      tokens: batches.map(\.tokenCount).max() ?? 0,
      sequences: batches.map(\.sequenceCount).max() ?? 0,
      longest: batches.map(\.longest).max() ?? 0)
  }
}
