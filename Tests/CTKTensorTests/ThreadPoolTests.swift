import CTKTensor
import CTKTestSupport
import Dispatch
import Foundation
import Testing

/// Every part of every call runs once, however calls meet.
@Suite(.tags(.numeric))
struct ThreadPoolTests {
  /// Counts the runs of each item, with parts of a few items each.
  private static func counts(_ compute: Compute, _ count: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    counts.withUnsafeMutableBufferPointer { counts in
      compute.parallel(count, weight: 1 << 20) { part in
        for item in part { counts[item] += 1 }
      }
      compute.forEach(count) { item, worker in
        precondition(worker < compute.threadCount)
        counts[item] += 1
      }
    }
    return counts
  }

  @Test(arguments: [1, 2, 3, 7])
  func everyItemOnce(_ threads: Int) {
    let compute = Compute(threadCount: threads)
    for round in 0..<3000 {
      let count = round % 40
      #expect(Self.counts(compute, count) == Array(repeating: 2, count: count))
    }
  }

  /// Helpers are asleep when a call comes.
  @Test func afterAPause() {
    let compute = Compute(threadCount: 4)
    for _ in 0..<20 {
      Thread.sleep(forTimeInterval: 0.002)
      #expect(Self.counts(compute, 9) == Array(repeating: 2, count: 9))
    }
  }

  @Test func callsAtOnce() {
    DispatchQueue.concurrentPerform(iterations: 6) { caller in
      let compute = Compute(threadCount: 2 + caller % 2)
      for _ in 0..<1000 {
        #expect(Self.counts(compute, 5) == Array(repeating: 2, count: 5))
      }
    }
  }

  @Test func callsWithinACall() {
    let compute = Compute(threadCount: 2)
    let sums = FloatBuffer(count: 4)
    compute.forEach(4) { item, _ in
      compute.forEach(3) { _, _ in sums.base[item] += 1 }
    }
    #expect(sums.array() == [3, 3, 3, 3])
  }

  /// A part's worker owns its scratch: no two parts of a worker run at the same time.
  @Test func workersDoNotMeet() {
    let compute = Compute(threadCount: 3)
    let busy = FloatBuffer(count: 3)
    for _ in 0..<500 {
      compute.forEach(17) { _, worker in
        #expect(busy.base[worker] == 0)
        busy.base[worker] = 1
        busy.base[worker] = 0
      }
    }
  }

  /// The parts are contiguous, ascending and as equal as they can be.
  @Test func partsAreThoseOfTheThreadCount() {
    let compute = Compute(threadCount: 3)
    var bounds = [Range<Int>](repeating: 0..<0, count: 3)
    bounds.withUnsafeMutableBufferPointer { bounds in
      compute.parallel(10, weight: 1 << 20) { part in bounds[part.lowerBound / 3] = part }
    }
    #expect(bounds == [0..<3, 3..<6, 6..<10])
  }
}
