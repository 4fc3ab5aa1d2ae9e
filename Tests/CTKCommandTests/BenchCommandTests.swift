import CTKCore
import CTKTestSupport
import Testing

@Suite(.tags(.cli))
struct BenchCommandTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  @Test func stagesOfEveryShape() throws {
    let found = try bench.json(
      ["bench"] + bench.base + [
        "--lengths", "6,9", "--batch-sizes", "2", "--rounds", "1", "--recompute", "--plot",
        bench.path("roofline.svg"),
      ])
    #expect(found["schema"] == "ctk-bench/1")
    for ceiling in ["product_flops", "copy_bytes_per_second", "sha256_bytes_per_second"] {
      #expect(try #require(found["ceilings"]?[ceiling]?.doubleValue) > 0, "\(ceiling)")
    }
    let stages = try #require(found["stages"]?.arrayValue)
    let names = stages.map { "\($0["length"]?.intValue ?? 0) \($0["stage"]?.stringValue ?? "")" }
    #expect(
      names
        == ["6", "9"].flatMap { length in
          ["forward", "backward", "update", "step", "fisher", "evaluate"].map {
            "\(length) \($0)"
          }
        })
    for stage in stages {
      #expect(try #require(stage["seconds"]?.doubleValue) > 0)
      #expect(try #require(stage["of_ceiling"]?.doubleValue) > 0)
    }
    let plot = String(decoding: try readSmallFile(bench.path("roofline.svg")), as: UTF8.self)
    for stage in stages { #expect(plot.contains(try #require(stage["stage"]?.stringValue))) }
  }

  @Test(arguments: [
    ["--lengths", "8,"], ["--batch-sizes", "0"], ["--rounds", "0"], ["--mask", "a.ctkmask"],
    ["--shape", "huge"],
  ])
  func unusableOptions(_ options: [String]) throws {
    #expect(try bench.failure(["bench"] + options).status == 64)
  }
}
