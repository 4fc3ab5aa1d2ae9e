import CTKCore
import CTKPatch
import CTKTestSupport
import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Processes that die between two steps of a change in place.
@Suite("Killed changes in place", .tags(.format))
struct KillTests {
  private let folder = TemporaryFolder()

  /// How many steps a change has.
  private func stepCount(_ bench: InPlaceBench, _ change: InPlaceBench.Change) throws -> Int {
    let counter = Counter()
    try bench.reset(to: change.states.before)
    try bench.run(change, onStep: { counter.increment() })
    return counter.value
  }

  @Test(
    "the same command again ends in the new state",
    arguments: InPlaceBench.Layout.allCases, InPlaceBench.Change.allCases)
  func killed(layout: InPlaceBench.Layout, change: InPlaceBench.Change) async throws {
    let bench = try InPlaceBench(in: folder, layout)
    let count = try stepCount(bench, change)
    #expect(count >= 8)
    // A few steps of each change; together they cover every step.
    let offset = InPlaceBench.Change.allCases.firstIndex(of: change) ?? 0
    for step in stride(from: 1 + offset, through: count, by: 3) {
      try bench.reset(to: change.states.before)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [bench = bench as InPlaceBench, change = change as InPlaceBench.Change, step = step as Int]
        in
        let counter = Counter()
        try bench.run(change) {
          if counter.increment() == step { kill(getpid(), SIGKILL) }
        }
      }
      try bench.run(change)
      #expect(try bench.isIn(change.states.after), "killed at step \(step) of \(count)")
    }
  }

  @Test("killed while it is carried out, and killed again", arguments: [1, 2, 3])
  func killedTwice(second: Int) async throws {
    let bench = try InPlaceBench(in: folder, .sharded)
    let count = try stepCount(bench, .apply)
    try bench.reset(to: 0)
    for step in [count - 3, second] {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [bench = bench as InPlaceBench, step = step as Int] in
        let counter = Counter()
        try bench.run(InPlaceBench.Change.apply) {
          if counter.increment() == step { kill(getpid(), SIGKILL) }
        }
      }
      #expect(Folder.fileExists(bench.model + "/ctk-journal"))
    }
    // The other command finishes the first, and then finds nothing to apply.
    #expect(code { try bench.run(.replace) } == nil)
    #expect(try bench.isIn(2))
  }
}

/// A count that a step handler may raise.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  @discardableResult
  func increment() -> Int { count.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
}
