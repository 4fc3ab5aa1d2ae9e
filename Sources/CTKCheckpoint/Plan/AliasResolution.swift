import CTKCore

extension ImportPlan {
  /// What a dry run, which reads no values, has to say about aliases.
  var uncomparedAliases: [String] {
    aliases.isEmpty ? [] : ["aliases were not compared with the tensors that they repeat"]
  }

  /// Compares every alias with the tensor it repeats.
  ///
  /// An equal alias stays one. Of two differing duplicates neither can be trusted; a differing
  /// copy gives way to the original; a differing tied tensor is kept as a tensor of its own.
  ///
  /// - Returns: the plan that follows, and a sentence for every difference.
  /// - Throws: `import.conflict`, and the codes of reading tensors.
  func resolvingAliases(
    in source: any TensorSource
  ) throws(CheckpointError) -> (plan: ImportPlan, findings: [String]) {
    var steps = Dictionary(
      used.map { ($0.target.name, $0) }, uniquingKeysWith: { first, _ in first })
    var kept: [Alias] = []
    var findings: [String] = []
    for alias in aliases {
      guard let step = steps[alias.target] else { continue }
      guard let difference = try Self.firstDifference(alias, step, in: source) else {
        kept.append(alias)
        continue
      }
      let sentence =
        "'\(alias.source.name)' differs from '\(step.source.name)', first in element \(difference)"
      switch alias.relation {
      case .duplicate:
        throw CheckpointError(
          .conflict, "two sources for '\(alias.target)': \(sentence)",
          hint: "remove the one that is out of date")
      case .copy:
        kept.append(alias)
        findings.append("\(sentence); the values of the latter were taken")
      case .tied:
        steps[alias.ownTarget.name] = Step(
          source: alias.source, operation: alias.operation, target: alias.ownTarget)
        findings.append("\(sentence), though they are tied; both were kept")
      }
    }
    let plan = replacing(
      used: steps.values.sorted { utf8Precedes($0.target.name, $1.target.name) }, aliases: kept)
    return (plan, findings)
  }

  /// The first element, in the target's order, in which two sources differ.
  private static func firstDifference(
    _ alias: Alias, _ step: Step, in source: any TensorSource
  ) throws(CheckpointError) -> Int? {
    guard alias.source.dtype == step.source.dtype else { return 0 }
    let width = step.source.dtype.bitWidth / 8
    return try CheckpointError.catching {
      try source.withTensorBytes(alias.source.name) { left in
        try source.withTensorBytes(step.source.name) { right in
          TensorConversion(alias.source, alias.operation, like: alias.ownTarget).withResult(
            of: left
          ) { left, _ in
            TensorConversion(step.source, step.operation, like: step.target).withResult(of: right) {
              right, _ in
              firstDifference(left, right, width: width)
            }
          }
        }
      }
    }
  }

  private static func firstDifference(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, width: Int
  ) -> Int? {
    if left.count == right.count && left.elementsEqual(right) { return nil }
    let byte = zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset
    return (byte ?? min(left.count, right.count)) / width
  }
}
