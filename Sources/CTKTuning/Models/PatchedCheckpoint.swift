package import CTKCheckpoint
package import CTKCore
package import CTKModel
package import CTKPatch

/// A base checkpoint, with a task's patch on it when there is one.
package struct PatchedCheckpoint {
  package let base: Checkpoint
  package let weights: any TensorSource
  /// The configuration that belongs to the weights.
  package let configuration: ModelConfiguration
  /// What the head is for, as far as the configuration says it.
  package let headKind: HeadKind?

  private static let configurationName = "config.json"

  /// - Parameter masks: among which the patch finds the one that it refers to.
  /// - Throws: the codes of opening either, and of a patch for another base.
  package init(
    base path: String, patch patchPath: String?, masks: [ParameterMask] = []
  ) throws(TuningError) {
    let base = try TuningError.wrap { () throws(CheckpointError) in try Checkpoint.open(path) }
    self.base = base
    guard let patchPath else {
      weights = base.weights
      configuration = base.configuration
      headKind = HeadKind(base.configurationJSON)
      return
    }
    let patch = try TuningError.wrap { () throws(PatchError) in
      try PatchFile(path: patchPath, masks: masks)
    }
    weights = try TuningError.wrap { () throws(PatchError) in
      try PatchedSource(base: base.weights, patches: [patch])
    }
    let json = try Self.configuration(patch)
    headKind = HeadKind(json ?? base.configurationJSON)
    configuration =
      try json.map { (json) throws(TuningError) in
        try TuningError.wrap { () throws(CoreError) in try ModelConfiguration(json: json) }
      } ?? base.configuration
  }

  private static func configuration(_ patch: PatchFile) throws(TuningError) -> JSONValue? {
    guard let entry = patch.header.files.first(where: { $0.name == configurationName }) else {
      return nil
    }
    let file = try TuningError.wrap { () throws(PatchError) in try patch.contents(of: entry) }
    guard let after = file.after else { return nil }
    return try TuningError.wrap { () throws(CoreError) in try JSONParser.parse(after) }
  }

  /// Whether the weights come with a task head.
  package var hasHead: Bool { weights.info(of: headName) != nil }

  private var headName: String {
    configuration.architecture.headWeightName(headKind ?? .sequence)
  }

  /// What the head's outputs mean.
  ///
  /// - Throws: `model.tensor-missing` without a head.
  package func headLabels(isRegression: Bool) throws(TuningError) -> LabelSpace {
    guard let head = weights.info(of: headName), let count = head.shape.first else {
      throw TaskModel.missingHead(base.path, name: headName)
    }
    let named = configuration.labels.count == count
    let names = named ? configuration.labels : (0..<count).map { "LABEL_\($0)" }
    if headKind == .tokens { return .tags(names) }
    return isRegression || count == 1 ? .score : .classes(names)
  }
}
