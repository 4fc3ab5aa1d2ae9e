import CTKCore

/// The targets of a model class that no source tensor fills.
struct MissingTargets {
  /// Sorted.
  private(set) var names: [String] = []
  /// Those without which the encoder cannot run, sorted.
  private(set) var namesOfEncoder: [String] = []

  /// - Throws: `import.tensor-missing` at the first group that is missing as a whole, the
  ///   embeddings or one layer, so that a huge layer count costs nothing.
  init(
    _ schema: ArchitectureSchema, _ configuration: SourceConfiguration, present: Set<String>
  ) throws(CheckpointError) {
    let parts = schema.parts(of: configuration)
    let tied = configuration.tiesEmbeddings ? Set(schema.tied.map(\.alias)) : []
    let patterns = schema.tensors.filter { parts.contains($0.part) }
    for part in [ModelPart.embeddings, .embeddingProjection, .encoder] where parts.contains(part) {
      let group = patterns.filter { $0.part == part }
      for layer in 0..<(part == .encoder ? configuration.model.layerCount : 1) {
        let absent = group.map { $0.name.name(layer: layer) }.filter { !present.contains($0) }
        if absent.count == group.count, let name = absent.first {
          throw CheckpointError(
            .tensorMissing, "the source has no tensor for '\(name)', nor for any beside it",
            hint: "check that the weights and config.json belong together")
        }
        namesOfEncoder += absent
      }
    }
    let others = patterns.filter { !$0.part.isRequired }.map(\.name.text)
    namesOfEncoder.sort(by: utf8Precedes)
    names = (namesOfEncoder + others.filter { !present.contains($0) && !tied.contains($0) })
      .sorted(by: utf8Precedes)
  }
}
