import CTKCore
import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Threads that share a list of independent items.
///
/// What is made and which error is thrown do not depend on the thread count.
struct Workers: Sendable {
  let threadCount: Int

  /// - Parameter threadCount: nil for all processors.
  init(threadCount: Int?) {
    self.threadCount = max(1, threadCount ?? Self.processorCount)
  }

  static var processorCount: Int { Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Runs `body` once for each index below `weights.count`, heavy items first.
  ///
  /// - Parameter completed: receives how many items are done, one call at a time.
  /// - Returns: what `body` returned, by index.
  /// - Throws: the error of the lowest index that fails.
  func map<Result: Sendable>(
    weights: [Int], completed: ((Int) -> Void)? = nil,
    _ body: (Int) throws(PatchError) -> Result
  ) throws(PatchError) -> [Result] {
    let order = weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }
    let state = Mutex(WorkState<Result>(count: order.count))
    withoutActuallyEscaping(body) { body in
      withoutActuallyEscaping(completed ?? { _ in }) { completed in
        // Each index is handed out once, `completed` runs under the lock, and
        // concurrentPerform returns after the last call.
        nonisolated(unsafe) let body = body
        nonisolated(unsafe) let completed = completed
        DispatchQueue.concurrentPerform(iterations: min(threadCount, order.count)) { _ in
          while let index = state.withLock({ $0.next(in: order) }) {
            do throws(PatchError) {
              let result = try body(index)
              state.withLock { completed($0.store(result, at: index)) }
            } catch {
              state.withLock { $0.fail(error, at: index) }
            }
          }
        }
      }
    }
    return try state.withLock { (state) throws(PatchError) in try state.results() }
  }
}

/// What has been handed out, made and thrown.
private struct WorkState<Result: Sendable>: Sendable {
  private var position = 0
  private var made: [Result?]
  private var completed = 0
  private var failure: (index: Int, error: PatchError)?

  init(count: Int) { made = Array(repeating: nil, count: count) }

  /// The next index to work on; after a failure only those before it count.
  mutating func next(in order: [Int]) -> Int? {
    while position < order.count {
      defer { position += 1 }
      if let failure, failure.index < order[position] { continue }
      return order[position]
    }
    return nil
  }

  mutating func store(_ result: Result, at index: Int) -> Int {
    made[index] = result
    completed += 1
    return completed
  }

  mutating func fail(_ error: PatchError, at index: Int) {
    if let failure, failure.index < index { return }
    failure = (index, error)
  }

  func results() throws(PatchError) -> [Result] {
    if let failure { throw failure.error }
    return made.compactMap { $0 }
  }
}
