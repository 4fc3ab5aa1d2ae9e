/// Which rows of a matrix belong to each example of a batch.
///
/// An example has a row for each of its tokens, for each distance between them, or a fixed
/// number of rows.
package struct ExampleRows {
  package let count: Int
  /// First token of each example, and the token count at the end.
  private let offsets: [Int]
  private let perToken: Int
  private let perExample: Int

  /// - Parameter offsets: first row of each example, and the row count at the end.
  package init(offsets: [Int]) { self.init(offsets, perToken: 1, perExample: 0) }

  fileprivate init(_ offsets: [Int], perToken: Int, perExample: Int) {
    count = offsets.count - 1
    self.offsets = offsets
    self.perToken = perToken
    self.perExample = perExample
  }

  /// One example that has all rows.
  init(single rows: Int) {
    count = 1
    offsets = []
    perToken = 0
    perExample = rows
  }

  /// First row of an example; the row count for the number behind the last one.
  package func start(_ example: Int) -> Int {
    perExample * example + (perToken == 0 ? 0 : perToken * offsets[example])
  }

  package func rows(of example: Int) -> Range<Int> { start(example)..<start(example + 1) }

  /// Rows of all examples together.
  package var total: Int { start(count) }
}

extension PackedBatch {
  /// A row for each token.
  package var tokenRows: ExampleRows { ExampleRows(offsets, perToken: 1, perExample: 0) }

  /// A row for each sequence.
  var sequenceRows: ExampleRows { ExampleRows(offsets, perToken: 0, perExample: 1) }

  /// 2 L - 1 rows for each sequence of L tokens.
  var distanceRows: ExampleRows { ExampleRows(offsets, perToken: 2, perExample: -1) }
}
