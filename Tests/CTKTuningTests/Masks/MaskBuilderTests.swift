import CTKCore
import CTKModel
import CTKPatch
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// What a recipe makes of scores, against its own law.
@Suite(.tags(.numeric))
struct MaskBuilderTests {
  private let model: ReferenceModel

  init() throws { model = try ReferenceModel("bert") }

  private func scores(scope: String) throws -> WeightScores {
    let scored = try ParameterScope(scope).parameters(of: model.network.layout)
    return SimpleScores(layout: model.network.layout, scored: scored).random(seed: 7)
  }

  private func mask(_ recipe: MaskRecipe) throws -> ParameterMask {
    try MaskBuilder(layout: model.network.layout).mask(
      try scores(scope: recipe.scope), recipe, baseFingerprint: .of([]),
      provenance: Provenance())
  }

  @Test(
    arguments: [0.005, 0.1, 1.0 / 3, 1], MaskQuota.allCases)
  func keepRatiosAreExact(_ keep: Double, _ quota: MaskQuota) throws {
    var recipe = MaskRecipe()
    recipe.scope = "all"
    recipe.keep = keep
    recipe.quota = quota
    let mask = try mask(recipe)
    #expect(mask.selected == Int((keep * Double(mask.scored)).rounded()))
    guard quota == .tensor else { return }
    for tensor in mask.tensors {
      let share = keep * Double(tensor.elementCount)
      #expect(abs(Double(tensor.positions.count) - share) <= 1, "\(tensor.name)")
    }
  }

  /// Within a tensor its own best weights are chosen.
  @Test func aTensorsQuotaIsItsBest() throws {
    var recipe = MaskRecipe()
    recipe.quota = .tensor
    let scores = try scores(scope: recipe.scope)
    let mask = try mask(recipe)
    var start = 0
    for id in scores.scored {
      let parameter = model.network.layout[id]
      let values = (0..<parameter.count).map { scores.values.base[start + $0] }
      start += parameter.count
      let positions = try #require(mask.tensor(named: parameter.name)).positions.map(Int.init)
      let best = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
      #expect(positions == best.prefix(positions.count).sorted(), "\(parameter.name)")
    }
  }

  @Test func aPercentileKeepsAtLeastTheShare() throws {
    var recipe = MaskRecipe()
    recipe.threshold = .percentile
    let mask = try mask(recipe)
    #expect(Double(mask.selected) >= 0.1 * Double(mask.scored))
    #expect(Double(mask.selected) <= 0.1 * Double(mask.scored) + 2)
  }

  @Test func presetsAreWhatTheirAuthorsSay() throws {
    let fish = MaskRecipe(.fish)
    #expect(fish.keep == 0.005 && fish.scope == "all" && fish.fisher.exampleLimit == 1024)
    #expect(fish.fisher.granularity == .example && fish.fisher.labels == .gold)
    let names = try fish.scored(of: model.network.layout).map { model.network.layout[$0].name }
    #expect(names.contains("bert.embeddings.word_embeddings.weight"))
    #expect(!names.contains { $0.hasPrefix("classifier") })
    let authors = MaskRecipe(.reference)
    #expect(authors.fisher.usesDropout && authors.fisher.clippingNorm == 1)
    #expect(authors.fisher.granularity == .batch && authors.threshold == .percentile)
    let scored = try authors.scored(of: model.network.layout)
    #expect(scored.allSatisfy { model.network.layout[$0].name.contains("layer") })
    #expect(!scored.isEmpty && scored.count < model.network.layout.parameters.count)
  }

  @Test(arguments: [0, -0.1, 1.01, .nan, .infinity])
  func keepMustBeAShare(_ keep: Double) {
    var recipe = MaskRecipe()
    recipe.keep = keep
    #expect { try recipe.validate() } throws: { ($0 as? TuningError)?.code == "mask.keep-invalid" }
  }

  @Test func theLowestHaveNoPercentile() {
    var recipe = MaskRecipe()
    recipe.threshold = .percentile
    recipe.score = .lowestFisher
    #expect { try recipe.validate() } throws: { ($0 as? TuningError)?.code == "options.invalid" }
  }
}

@Suite(.tags(.numeric))
struct ParameterScopeTests {
  private let layout: ParameterLayout

  init() throws { layout = try ReferenceModel("bert").network.layout }

  private func parts(_ scope: String) throws -> Set<NetworkPart> {
    Set(try ParameterScope(scope).parameters(of: layout).map { layout[$0].part })
  }

  @Test func layersAreListed() throws {
    #expect(try parts("layers:0") == [.layer(0)])
    #expect(try parts("layers:1,0") == [.layer(0), .layer(1)])
    #expect(try parts("layers:0-1") == parts("encoder"))
    #expect(try parts("all") == [.embeddings, .layer(0), .layer(1)])
  }

  @Test(arguments: ["layers:", "layers:a", "layers:1-0", "layers:-1", "layers:0,,1", "("])
  func badScopesAreRefused(_ text: String) {
    #expect { try ParameterScope(text) } throws: {
      ($0 as? TuningError)?.code == "options.pattern-invalid"
    }
  }

  @Test func unknownLayersAreRefused() throws {
    let scope = try ParameterScope("layers:1-2")
    #expect { try scope.parameters(of: layout) } throws: {
      ($0 as? TuningError)?.code == "options.invalid"
    }
  }
}
