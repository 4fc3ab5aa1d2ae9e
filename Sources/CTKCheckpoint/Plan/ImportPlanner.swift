import CTKCore

/// Builder of an `ImportPlan`.
struct ImportPlanner {
  /// A source tensor and the canonical tensor that its name stands for.
  private struct Candidate {
    let source: TensorInfo
    let operation: TensorOperation
    let target: TensorInfo
    let isCopy: Bool
  }

  private let schema: ArchitectureSchema
  private let configuration: SourceConfiguration
  private let dtype: ImportDType
  private var shapes: ShapeRules
  private var candidates: [String: [Candidate]] = [:]
  private var aliases: [ImportPlan.Alias] = []
  private var skipped: [ImportPlan.Skipped] = []

  init(schema: ArchitectureSchema, configuration: SourceConfiguration, dtype: ImportDType) {
    self.schema = schema
    self.configuration = configuration
    self.dtype = dtype
    shapes = ShapeRules(configuration: configuration.model)
  }

  mutating func plan(_ tensors: [TensorInfo]) throws(CheckpointError) -> ImportPlan {
    let names = tensors.map(\.name)
    let layout = SourceLayout.detect(names)
    let table = schema.nameTable(
      for: layout, sourceNames: names, classNames: configuration.classNames)
    for tensor in tensors { try place(tensor, by: table) }
    collapseTies()
    let steps = settle()
    let filled = try filledTargets(layout)
    let missing = try MissingTargets(
      schema, configuration, present: Set(candidates.keys).union(filled.map(\.target.name)))
    return ImportPlan(
      architecture: schema.architecture,
      layout: layout,
      used: steps.sorted { utf8Precedes($0.target.name, $1.target.name) },
      aliases: aliases.sorted { utf8Precedes($0.source.name, $1.source.name) },
      skipped: skipped.sorted { utf8Precedes($0.name, $1.name) },
      filled: filled,
      missing: missing.names,
      missingOfEncoder: missing.namesOfEncoder)
  }

  private mutating func place(
    _ tensor: TensorInfo, by table: any NameTable
  ) throws(CheckpointError) {
    switch table.match(tensor.name) {
    case .skipped(let reason):
      skip(tensor, reason)
    case .target(_, .some(let layer), _, _) where layer >= configuration.model.layerCount:
      skip(tensor, .layerBeyond(layer: layer, count: configuration.model.layerCount))
    case .target(let pattern, _, _, _)
    where pattern.part == .embeddingProjection && !projectsEmbeddings:
      skip(tensor, .projectionUnused)
    case .target(let pattern, let layer, let operation, let isCopy):
      let name = pattern.name.name(layer: layer)
      guard Self.supportedTypes.contains(tensor.dtype) else {
        throw CheckpointError(
          .dtypeUnsupported,
          "'\(tensor.name)' holds \(tensor.dtype.rawValue), a weight must be a float of 16 bits "
            + "or more")
      }
      let shape = try shapes.check(tensor, operation, as: pattern, named: name)
      let target = try CheckpointError.wrap { () throws(CoreError) in
        try TensorInfo(name: name, dtype: dtype.target(of: tensor.dtype), shape: shape)
      }
      candidates[name, default: []].append(
        Candidate(source: tensor, operation: operation, target: target, isCopy: isCopy))
    }
  }

  private var projectsEmbeddings: Bool {
    configuration.model.embeddingSize != configuration.model.hiddenSize
  }

  private static let supportedTypes: Set<DType> = [.f64, .f32, .f16, .bf16]

  private mutating func skip(_ tensor: TensorInfo, _ reason: SkipReason) {
    skipped.append(ImportPlan.Skipped(name: tensor.name, reason: reason.description))
  }

  /// Stores tied weights once, under their owner's name, whichever side the source has.
  private mutating func collapseTies() {
    guard configuration.tiesEmbeddings else { return }
    for tie in schema.tied {
      guard let tied = candidates.removeValue(forKey: tie.alias) else { continue }
      if candidates[tie.owner] == nil {
        candidates[tie.owner] = tied.map { candidate in
          Candidate(
            source: candidate.source, operation: candidate.operation,
            target: candidate.target.renamed(tie.owner), isCopy: candidate.isCopy)
        }
      } else {
        for candidate in tied { addAlias(candidate, of: tie.owner, .tied) }
      }
    }
  }

  /// Chooses one source for every target; the others become aliases.
  private mutating func settle() -> [ImportPlan.Step] {
    candidates.values.compactMap { group in
      let sorted = group.sorted { left, right in
        left.isCopy != right.isCopy
          ? right.isCopy : utf8Precedes(left.source.name, right.source.name)
      }
      guard let chosen = sorted.first else { return nil }
      for other in sorted.dropFirst() {
        addAlias(other, of: chosen.target.name, other.isCopy ? .copy : .duplicate)
      }
      return ImportPlan.Step(
        source: chosen.source, operation: chosen.operation, target: chosen.target)
    }
  }

  private mutating func addAlias(
    _ candidate: Candidate, of target: String, _ relation: AliasRelation
  ) {
    aliases.append(
      ImportPlan.Alias(
        source: candidate.source, operation: candidate.operation, relation: relation,
        target: target, ownTarget: candidate.target))
  }

  /// Tables of zeros for what KerasHub's model does without.
  private func filledTargets(
    _ layout: SourceLayout
  ) throws(CheckpointError) -> [ImportPlan.Filled] {
    guard layout == .keras || layout == .kerasLegacy else { return [] }
    var filled: [ImportPlan.Filled] = []
    for pattern in schema.tensors where schema.keras.zeroTargets.contains(pattern.name.text) {
      guard candidates[pattern.name.text] == nil, let like = candidates.values.first?.first else {
        continue
      }
      let target = try CheckpointError.wrap { () throws(CoreError) in
        try TensorInfo(
          name: pattern.name.text, dtype: like.target.dtype,
          shape: shapes.extents(of: pattern))
      }
      filled.append(
        ImportPlan.Filled(target: target, reason: "KerasHub's model adds nothing here"))
    }
    return filled
  }
}
