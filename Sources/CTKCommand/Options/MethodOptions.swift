import ArgumentParser
import CTKCore
import CTKPatch
import CTKTuning

/// How a run moves the weights.
struct MethodOptions: ParsableArguments {
  @Option(
    help: """
      vanilla, child-d (a Fisher-chosen child), child-f (random gradients), top-k, \
      weight-decay, mixout, recadam or r3f, or several as in child-d+r3f.
      """)
  var method = "child-d"

  @Option(help: "Child-Tuning as published (paper) or as its released code does (reference).")
  var profile = "paper"

  @Option(
    help: """
      child-d: share of the scored weights in the child (default: 0.1, or the mask's). \
      child-f: share of the gradient that is kept (default: 0.3).
      """)
  var keep: Double?

  @Option(help: "child-d: mask to train, instead of one computed for this run.")
  var mask: String?

  @Option(
    help: """
      child-d: weights that may be in the child: encoder (the default), all, or a regular \
      expression.
      """)
  var scope: String?

  @Option(
    help: "Tensors trained whole besides the child or the top layers, as a regular expression.")
  var dense: String?

  @Option(help: "top-k: layers that train (default: \(MethodSettings().topLayers)).")
  var topLayers: Int?

  @Option(
    help: "weight-decay: factor of |w - w0|^2 in the loss (default: \(MethodSettings().pull)).")
  var pull: Double?

  @Option(
    help: "mixout: probability of a pretrained weight (default: \(MethodSettings().mixout)).")
  var mixout: Double?

  @Option(help: "recadam: strength of the pull (default: \(RecAdam.Settings().strength)).")
  var recadamStrength: Double?

  @Option(help: "recadam: sigmoid (the default) or linear.")
  var recadamAnneal: String?

  @Option(help: "recadam: rate of the sigmoid (default: \(RecAdam.Settings().rate)).")
  var recadamRate: Double?

  @Option(
    help: "recadam: step of the sigmoid's middle (default: \(RecAdam.Settings().midpoint)).")
  var recadamMidpoint: Int?

  @Option(help: "r3f: weight of the divergence (default: \(R3F().weight)).")
  var r3fWeight: Double?

  @Option(help: "r3f: size of the noise (default: \(R3F().epsilon)).")
  var r3fEpsilon: Double?

  @Option(help: "r3f: uniform (the default) or normal noise.")
  var r3fNoise: String?

  @Option(help: "adamw or sgd.")
  var optimizer = "adamw"

  init() {}

  /// - Throws: `method.unknown`, `method.contradictory`, and usage errors.
  func fill(_ options: inout FinetuneOptions, _ mask: ParameterMask?) throws {
    options.method = try TuningMethod(method)
    try refuseStrayOptions(options.method)
    options.profile = try choice("--profile", profile)
    options.optimizer = try choice("--optimizer", optimizer)
    if let mask, let keep, keep != mask.keep {
      throw ValidationError("the mask keeps \(mask.keep), leave out --keep \(keep)")
    }
    options.scope = scope
    options.dense = dense
    try fill(&options.settings)
    options.settings.keep = keep ?? mask?.keep
  }

  private func fill(_ settings: inout MethodSettings) throws {
    settings.topLayers = topLayers ?? settings.topLayers
    settings.pull = pull ?? settings.pull
    settings.mixout = mixout ?? settings.mixout
    settings.recAdam.strength = recadamStrength ?? settings.recAdam.strength
    settings.recAdam.rate = recadamRate ?? settings.recAdam.rate
    settings.recAdam.midpoint = recadamMidpoint ?? settings.recAdam.midpoint
    if let recadamAnneal {
      settings.recAdam.annealing = try choice("--recadam-anneal", recadamAnneal)
    }
    settings.r3f.weight = r3fWeight ?? settings.r3f.weight
    settings.r3f.epsilon = r3fEpsilon ?? settings.r3f.epsilon
    if let r3fNoise { settings.r3f.noise = try choice("--r3f-noise", r3fNoise) }
  }

  /// An option of a part that the method does not have would be silently without effect.
  private func refuseStrayOptions(_ method: TuningMethod) throws {
    let options: [(name: String, isGiven: Bool, owners: [MethodPart])] = [
      ("--keep", keep != nil, [.childD, .childF]),
      ("--mask", mask != nil, [.childD]),
      ("--scope", scope != nil, [.childD]),
      ("--dense", dense != nil, [.childD, .topK]),
      ("--top-layers", topLayers != nil, [.topK]),
      ("--pull", pull != nil, [.weightDecay]),
      ("--mixout", mixout != nil, [.mixout]),
      ("--recadam-strength", recadamStrength != nil, [.recAdam]),
      ("--recadam-anneal", recadamAnneal != nil, [.recAdam]),
      ("--recadam-rate", recadamRate != nil, [.recAdam]),
      ("--recadam-midpoint", recadamMidpoint != nil, [.recAdam]),
      ("--r3f-weight", r3fWeight != nil, [.r3f]),
      ("--r3f-epsilon", r3fEpsilon != nil, [.r3f]),
      ("--r3f-noise", r3fNoise != nil, [.r3f]),
    ]
    for option in options where option.isGiven && !option.owners.contains(where: method.contains) {
      let owners = option.owners.map(\.rawValue).joined(separator: " or ")
      throw TuningError(
        .methodContradictory, "\(option.name) needs a method with \(owners), not \(method)")
    }
  }

  private func choice<Choice: CaseIterable & RawRepresentable>(
    _ option: String, _ text: String
  ) throws -> Choice where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: " or ")
      throw ValidationError("\(option) must be \(choices)")
    }
    return choice
  }
}
