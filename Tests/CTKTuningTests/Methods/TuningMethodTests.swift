import CTKCore
import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.hostile))
struct TuningMethodTests {
  @Test func everyPartIsAMethodOfItsOwn() throws {
    for part in MethodPart.allCases {
      #expect(try TuningMethod(part.rawValue).parts == [part])
    }
  }

  /// Combinations have one spelling, whichever way they are written.
  @Test(arguments: [
    ("r3f+child-d", "child-d+r3f"), ("mixout+child-f+top-k", "top-k+child-f+mixout"),
    ("child-d+recadam+r3f", "child-d+recadam+r3f"), ("weight-decay+r3f", "weight-decay+r3f"),
  ])
  func combinations(_ text: String, _ spelling: String) throws {
    #expect(try TuningMethod(text).description == spelling)
    #expect(try TuningMethod(text) == TuningMethod(spelling))
  }

  @Test(arguments: [
    "vanilla+r3f", "child-d+child-f", "child-f+child-d", "child-d+top-k", "mixout+recadam",
    "weight-decay+recadam", "weight-decay+mixout", "r3f+r3f", "child-d+child-d",
  ])
  func contradictions(_ text: String) {
    #expect(throws: TuningError.self) { try TuningMethod(text) }
    #expect(code { try TuningMethod(text) } == "method.contradictory")
  }

  @Test(arguments: ["", "+", "child-d+", "+r3f", "Child-D", "child-d r3f", "lora"])
  func unknownNames(_ text: String) {
    #expect(code { try TuningMethod(text) } == "method.unknown")
  }

  @Test func numbersOutOfRange() throws {
    let changes: [(String, (inout MethodSettings) -> Void)] = [
      ("child-d", { $0.keep = 0 }), ("child-d", { $0.keep = 1.01 }),
      ("child-f", { $0.keep = 0 }), ("child-f", { $0.keep = -0.5 }),
      ("child-f", { $0.keep = .nan }), ("top-k", { $0.topLayers = -1 }),
      ("weight-decay", { $0.pull = -1 }), ("weight-decay", { $0.pull = .infinity }),
      ("mixout", { $0.mixout = 1 }), ("mixout", { $0.mixout = -0.1 }),
      ("mixout", { $0.mixout = .nan }), ("recadam", { $0.recAdam.strength = -1 }),
      // The learning rate is 5e-5: the product with the strength must stay below 2.
      ("recadam", { $0.recAdam.strength = 40_000 }), ("recadam", { $0.recAdam.rate = 0 }),
      ("recadam", { $0.recAdam.midpoint = -1 }), ("r3f", { $0.r3f.weight = -1 }),
      ("r3f", { $0.r3f.epsilon = .nan }),
    ]
    for (method, change) in changes {
      var options = FinetuneOptions()
      options.method = try TuningMethod(method)
      try options.validate()
      change(&options.settings)
      let found = code { try options.validate() }
      #expect(found == (method.hasPrefix("child") ? "mask.keep-invalid" : "options.invalid"))
      // A number that the method does not use is not looked at.
      options.method = .vanilla
      if !method.hasPrefix("child") { try options.validate() }
    }
  }

  @Test func onlyWhatAMethodUsesIsRecorded() throws {
    var options = FinetuneOptions()
    options.method = try TuningMethod("top-k+mixout")
    #expect(options.json["top_layers"] == 3 && options.json["mixout"] == 0.9)
    #expect(options.json["keep"] == nil && options.json["recadam_rate"] == nil)
    options.method = .childD
    #expect(options.json["keep"] == 0.1)
    options.method = TuningMethod(.childF)
    #expect(options.json["keep"] == 0.3)
  }

  private func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? any Diagnosable)?.code
    }
  }

  private func code<Result>(_ body: () throws -> Result) -> String? {
    code { () throws -> Void in _ = try body() }
  }
}
