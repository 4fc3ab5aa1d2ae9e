import Dispatch

/// Wall-clock seconds of repeated work.
package enum Stopwatch {
  package static func seconds(_ body: () -> Void) -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// Median over `rounds` runs after one that warms up.
  package static func median(rounds: Int, _ body: () -> Void) -> Double {
    body()
    return median((0..<max(1, rounds)).map { _ in seconds(body) })
  }

  /// The middle value, or the mean of the two in the middle; 0 for none.
  package static func median(_ values: [Double]) -> Double {
    if values.isEmpty { return 0 }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
