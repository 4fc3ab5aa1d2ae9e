import CTKCore

/// State-dict names: the canonical ones, with or without the base prefix, inside
/// training wrappers, and with the LayerNorm parameters' former names.
struct PyTorchNames: NameTable {
  package let rules: [NameRule]
  private let architecture: Architecture
  private let basePrefix: Substring
  private let buffers: Set<String>

  /// Modules and dictionaries that hold the model as a whole: data-parallel training, training
  /// checkpoints, sentence-transformers.
  private static let wrappers: Set<Substring> = [
    "module", "model", "state_dict", "model_state_dict", "model_state", "auto_model",
  ]
  /// Entries of training checkpoints that are no part of the model.
  private static let trainingEntries: Set<Substring> = [
    "optimizer", "optimizer_state_dict", "optimizer_states", "optim", "scheduler", "lr_scheduler",
    "scheduler_state_dict", "lr_schedulers", "rng", "rng_state", "cuda_rng_state", "amp", "scaler",
  ]
  /// Former leaf names inside a component `LayerNorm`, as files of 2018 have them.
  private static let formerLeaves = ["weight": "gamma", "bias": "beta"]

  init(schema: ArchitectureSchema) {
    architecture = schema.architecture
    basePrefix = Substring(schema.basePrefix)
    buffers = schema.buffers
    rules = schema.tensors.flatMap { target in
      let names = [target.name.text, Self.formerName(target.name)].compactMap(\.self)
      return names.map { name in
        NameRule(
          source: NamePattern(name, separator: "."), target: target, operation: .copy)
      }
    }
  }

  package func match(_ name: String) -> NameMatch {
    // Flat HDF5 files may hold groups where the state dict has dots.
    let parts = name.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }
    if let first = parts.first, Self.trainingEntries.contains(first) {
      return .skipped(.optimizerState)
    }
    let components = parts.drop { Self.wrappers.contains($0) }
    for candidate in [Array(components), [basePrefix] + components] {
      if let (rule, layer) = rule(for: candidate) {
        return .target(rule.target, layer: layer, operation: rule.operation, isCopy: false)
      }
      if buffers.contains(candidate.joined(separator: ".")) { return .skipped(.buffer) }
    }
    return .skipped(.unknown(architecture))
  }

  private static func formerName(_ pattern: NamePattern) -> String? {
    var components = pattern.text.split(separator: ".").map(String.init)
    guard components.count > 1, components[components.count - 2] == "LayerNorm",
      let former = components.last.flatMap({ formerLeaves[$0] })
    else { return nil }
    components[components.count - 1] = former
    return components.joined(separator: ".")
  }
}
