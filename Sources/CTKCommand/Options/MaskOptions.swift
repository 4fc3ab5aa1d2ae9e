import ArgumentParser
import CTKCore
import CTKTuning

/// How a mask is made; what is not given is the preset's.
struct MaskOptions: ParsableArguments {
  @Option(
    help: """
      Where the defaults come from: paper (Child-Tuning-D as defined), reference (as the \
      authors' code does it) or fish (FISH masks).
      """)
  var preset = "paper"

  @Option(help: "Share of the scored weights in the child, above 0 and at most 1 (default: 0.1).")
  var keep: Double?

  @Option(help: "Rank weights by fisher, magnitude, random, lowest-fisher or change.")
  var score: String?

  @Option(help: "Tuned model whose distance from the base ranks the weights (--score change).")
  var tuned: String?

  @Option(help: "Square gradients of each example or of each batch.")
  var fisher: String?

  @Option(help: "Labels of the gradients: gold, or sampled from the model's predictions.")
  var labels: String?

  @Option(help: "Dropout during the Fisher pass: on or off.")
  var dropout: String?

  @Option(help: "Scale a tensor's gradient to at most this norm before it is squared.")
  var clip: Double?

  @Option(help: "Examples in a batch of the Fisher pass (default: 16).")
  var batchSize: Int?

  @Option(help: "Use at most this many training examples.")
  var examples: Int?

  @Option(
    help: """
      Weights to score: encoder, all (embeddings too), layers:0,4-11, or a regular expression \
      over names.
      """)
  var scope: String?

  @Option(help: "Choose over all tensors at once (global), or the same share of each (tensor).")
  var quota: String?

  @Option(help: "Keep exactly the share (exact), or all that reach its percentile (percentile).")
  var threshold: String?

  init() {}

  /// - Throws: `mask.keep-invalid`, `options.*`, or a usage error.
  func recipe(seed: UInt64) throws -> MaskRecipe {
    var recipe = MaskRecipe(try choice("--preset", preset))
    recipe.keep = keep ?? recipe.keep
    recipe.scope = scope ?? recipe.scope
    recipe.score = try score.map { try choice("--score", $0) } ?? recipe.score
    recipe.quota = try quota.map { try choice("--quota", $0) } ?? recipe.quota
    recipe.threshold = try threshold.map { try choice("--threshold", $0) } ?? recipe.threshold
    try requireConsistency(recipe.score)
    recipe.fisher.seed = seed
    recipe.fisher.granularity =
      try fisher.map { try choice("--fisher", $0) } ?? recipe.fisher.granularity
    recipe.fisher.labels = try labels.map { try choice("--labels", $0) } ?? recipe.fisher.labels
    recipe.fisher.usesDropout =
      try dropout.map { try choice("--dropout", $0, as: Switch.self) == .on }
      ?? recipe.fisher.usesDropout
    recipe.fisher.clippingNorm = clip ?? recipe.fisher.clippingNorm
    recipe.fisher.batchSize = batchSize ?? recipe.fisher.batchSize
    recipe.fisher.exampleLimit = examples ?? recipe.fisher.exampleLimit
    try recipe.validate()
    return recipe
  }

  private enum Switch: String, CaseIterable {
    case on
    case off
  }

  /// Options that would have no effect on the score are refused.
  private func requireConsistency(_ score: MaskScore) throws(TuningError) {
    if (score == .change) != (tuned != nil) {
      throw TuningError(
        .optionInvalid,
        score == .change
          ? "--score change needs --tuned, the model to compare with"
          : "--tuned is for --score change, not for \(score.rawValue)")
    }
    let idle = [
      ("--fisher", fisher != nil), ("--labels", labels != nil), ("--dropout", dropout != nil),
      ("--clip", clip != nil), ("--batch-size", batchSize != nil),
      ("--examples", examples != nil),
    ]
    if !score.needsData, let option = idle.first(where: \.1) {
      throw TuningError(
        .optionInvalid, "--score \(score.rawValue) takes no gradients, so \(option.0) has no use",
        hint: "leave it out, or rank by fisher")
    }
  }
}

/// The case of an option's value.
///
/// - Throws: a usage error that lists the values there are.
func choice<Value: CaseIterable & RawRepresentable<String>>(
  _ option: String, _ text: String, as type: Value.Type = Value.self
) throws(ValidationError) -> Value {
  if let value = Value(rawValue: text) { return value }
  let names = Value.allCases.map(\.rawValue)
  let list = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  throw ValidationError("\(option) must be \(list)")
}
