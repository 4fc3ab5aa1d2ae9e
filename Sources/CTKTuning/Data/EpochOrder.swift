import CTKTensor

/// The order of the examples in each epoch: a function of seed and epoch alone,
/// so a resumed run visits what the uninterrupted one would have visited.
package struct EpochOrder: Sendable {
  package let exampleCount: Int
  package let batchSize: Int
  package let seed: UInt64

  package init(exampleCount: Int, batchSize: Int, seed: UInt64) {
    self.exampleCount = exampleCount
    self.batchSize = batchSize
    self.seed = seed
  }

  /// Steps of one epoch; the last batch may be smaller.
  package var stepCount: Int { (exampleCount + batchSize - 1) / batchSize }

  /// A permutation of all examples (Fisher-Yates).
  package func permutation(epoch: Int) -> [Int] {
    var random = CounterRandom(seed, UInt64(bitPattern: Int64(epoch)), 0x6F72_6465)
    var order = Array(0..<exampleCount)
    for last in stride(from: exampleCount - 1, to: 0, by: -1) {
      order.swapAt(last, random.below(last + 1))
    }
    return order
  }

  /// The examples of one step within a permutation.
  package func examples(step: Int, of permutation: [Int]) -> ArraySlice<Int> {
    permutation[step * batchSize..<min(exampleCount, (step + 1) * batchSize)]
  }
}
