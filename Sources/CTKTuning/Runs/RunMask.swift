import CTKCore
import CTKModel
import CTKPatch
import CTKTensor

/// The child of a run of Child-Tuning-D: given, estimated, or kept from an earlier session.
struct RunMask {
  let folder: RunFolder
  let options: FinetuneOptions
  let manifest: RunManifest
  /// The mask that the command was given.
  let given: MaskFile?
  let train: [Example]
  let session: FinetuneSession
  let compute: Compute

  private var isNeeded: Bool { options.method.contains(.childD) }

  /// The mask of a run that begins; nil for methods without a fixed child.
  ///
  /// - Throws: `mask.wrong-base`, and the codes of making a mask.
  func begin(_ model: TaskModel) throws(TuningError) -> ParameterMask? {
    guard isNeeded else { return nil }
    guard let given = given?.mask else { return try estimate(model) }
    guard given.baseFingerprint == manifest.baseFingerprint else {
      throw TuningError(
        .maskWrongBase, "the mask was made for another base",
        hint: "make a mask for this base with ctk mask")
    }
    return given
  }

  /// The mask of a run that goes on: its own, or under a profile that asks for it a new
  /// one, estimated at the weights of the saved state.
  func resume(_ model: TaskModel) throws(TuningError) -> ParameterMask? {
    guard isNeeded else { return nil }
    let stored = try TuningError.wrap { () throws(PatchError) in
      try ParameterMask(path: folder.mask)
    }
    guard options.profile.recomputesMask, given == nil, Folder.fileExists(folder.state) else {
      return stored
    }
    let plan = try TrainablePlan.of(
      model.network.layout, TrainableChoice(options), mask: stored,
      initialized: model.initialized)
    // A copy: methods that pull need the base's own values later.
    let resumed = model.copyingParameters()
    try RunState.restoreWeights(
      resumed.parameters, plan: plan, planDigest: plan.digest, from: folder.state)
    let renewed = try estimate(resumed)
    try TuningError.wrap { () throws(PatchError) in
      try renewed.write(to: folder.mask, replacesExisting: true)
    }
    return renewed
  }

  /// Writes the child of a run that begins, a given one byte for byte as it was given.
  func write(_ mask: ParameterMask?, to path: String) throws(PatchError) {
    if let given, mask != nil {
      try given.write(to: path)
    } else {
      try mask?.write(to: path)
    }
  }

  private func estimate(_ model: TaskModel) throws(TuningError) -> ParameterMask {
    let recipe = options.maskRecipe
    let scorer = MaskScorer(
      model: model, maxLength: options.maxLength, keeping: session.activations, compute: compute)
    let scores = try scorer.scores(recipe, examples: train, session.onProgress)
    return try MaskBuilder(layout: model.network.layout).mask(
      scores, recipe, baseFingerprint: manifest.baseFingerprint,
      provenance: Provenance(task: manifest.task, method: options.method.description))
  }
}
