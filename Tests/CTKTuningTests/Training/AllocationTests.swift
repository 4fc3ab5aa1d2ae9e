#if canImport(Glibc)
import CTKTestSupport
import Foundation
import Testing

/// Steps allocate nothing once the first one has set everything up.
@Suite(.tags(.numeric))
struct AllocationTests {
  /// What a run of `ctk-allocations` counts, for steps with dropout on batches of several
  /// sizes; nil where it cannot count.
  private func allocations(_ arguments: [String]) throws -> (first: Int, later: Int)? {
    let process = Process()
    process.executableURL = BuiltProduct.url("ctk-allocations")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    if text == "uncounted\n" { return nil }
    let counts = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    try #require(counts.count == 2, "\(text)")
    return (counts[0], counts[1])
  }

  private func expectNone(_ arguments: [String]) throws {
    guard let counts = try allocations(arguments) else { return }
    #expect(counts.first > 0)
    #expect(counts.later == 0)
  }

  @Test(arguments: ["bert", "roberta", "electra", "distilbert", "xlnet"], ["1", "2"])
  func everyFamily(_ family: String, _ threads: String) throws {
    try expectNone([family, "child-d", threads])
    try expectNone([family, "vanilla", threads])
  }

  @Test(arguments: ["child-f", "weight-decay", "mixout", "recadam", "r3f", "child-d+mixout+r3f"])
  func everyMethod(_ method: String) throws {
    try expectNone(["roberta", method, "2"])
  }

  @Test func stepsOfSeveralBatches() throws {
    try expectNone(["bert", "child-d", "2", "3"])
  }
}
#endif
