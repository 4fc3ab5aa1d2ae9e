import CTKFuzzing
import CTKTestSupport
import Testing

/// A short run of every fuzzer; `ctk-fuzz` makes long ones.
@Suite("Damaged files of every container", .tags(.hostile))
struct ShortRunTests {
  @Test(
    .timeLimit(.minutes(2)),
    arguments: zip(
      [
        "zip", "pickle", "table", "messages", "safetensors", "hdf5", "tokenizer",
        "sentence-piece", "sentence-piece-merges",
      ],
      [4000, 8000, 4000, 8000, 4000, 1000, 2000, 2000, 2000]))
  func everyCaseEndsWell(_ name: String, _ cases: Int) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let report = try FuzzCampaign(target).run(0..<UInt64(cases))
    #expect(report.foreignErrors.isEmpty)
    // Neither are all cases harmless, nor does the first check refuse them all.
    #expect(report.accepted > 0 && report.refusals.count > 1, "\(report.summary)")
  }

  @Test func aNumberAlwaysMakesTheSameCase() throws {
    let campaign = FuzzCampaign(.pickle)
    #expect(try campaign.run(0..<200).refusals == campaign.run(0..<200).refusals)
  }
}
