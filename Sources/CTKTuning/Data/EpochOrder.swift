import CTKTensor

/// The order of the examples in each epoch: a function of seed and epoch alone,
/// so a resumed run visits what the uninterrupted one would have visited.
package struct EpochOrder: Sendable {
  package let exampleCount: Int
  /// Most examples of a batch.
  package let batchSize: Int
  /// Most batches of a step.
  package let accumulation: Int
  package let seed: UInt64

  package init(exampleCount: Int, batchSize: Int, accumulation: Int = 1, seed: UInt64) {
    self.exampleCount = exampleCount
    self.batchSize = batchSize
    self.accumulation = accumulation
    self.seed = seed
  }

  /// Most examples of a step.
  private var stepSize: Int { batchSize * accumulation }

  /// Steps of one epoch; the last one may be smaller.
  package var stepCount: Int { (exampleCount + stepSize - 1) / stepSize }

  /// A permutation of all examples (Fisher-Yates).
  package func permutation(epoch: Int) -> [Int] {
    var random = CounterRandom(seed, UInt64(bitPattern: Int64(epoch)), 0x6F72_6465)
    var order = Array(0..<exampleCount)
    for last in stride(from: exampleCount - 1, to: 0, by: -1) {
      order.swapAt(last, random.below(last + 1))
    }
    return order
  }

  /// The batches of one step within a permutation.
  package func batches(step: Int, of permutation: [Int]) -> [ArraySlice<Int>] {
    batches(of: permutation[step * stepSize..<min(exampleCount, (step + 1) * stepSize)])
  }

  /// Examples in the order given, cut into batches.
  package func batches(of examples: ArraySlice<Int>) -> [ArraySlice<Int>] {
    stride(from: examples.startIndex, to: examples.endIndex, by: batchSize).map {
      examples[$0..<min(examples.endIndex, $0 + batchSize)]
    }
  }
}
