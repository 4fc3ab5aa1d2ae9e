import CTKCore

/// The extents that a configuration demands.
struct ShapeRules {
  private let configuration: ModelConfiguration
  /// Labels of the head: those of the configuration, else of the first head tensor met.
  private var labelCount: Int?

  init(configuration: ModelConfiguration) {
    self.configuration = configuration
    labelCount = configuration.labels.isEmpty ? nil : configuration.labels.count
  }

  /// The shape that a source tensor has as a target.
  ///
  /// - Throws: `import.shape-mismatch`, naming both shapes; nothing is ever reshaped.
  mutating func check(
    _ source: TensorInfo, _ operation: TensorOperation, as pattern: TensorPattern,
    named target: String
  ) throws(CheckpointError) -> [Int] {
    guard let shape = operation.shape(from: source.shape, configuration) else {
      throw CheckpointError(
        .shapeMismatch,
        "'\(source.name)' has shape \(source.shape), from which '\(operation.rawValue)' cannot "
          + "make '\(target)'",
        hint: "check that the weights and config.json belong together")
    }
    let expected = expectedShape(pattern, given: shape)
    guard shape == expected else {
      let isTransposed = shape.count == 2 && shape == expected.reversed()
      throw CheckpointError(
        .shapeMismatch,
        "'\(source.name)' gives '\(target)' the shape \(shape), the configuration demands "
          + "\(expected)",
        hint: isTransposed
          ? "its rows and columns seem to be exchanged, which its name does not say"
          : "check that the weights and config.json belong together")
    }
    return shape
  }

  private mutating func expectedShape(_ pattern: TensorPattern, given shape: [Int]) -> [Int] {
    if pattern.shape.contains(.labels) && labelCount == nil { labelCount = shape.first ?? 0 }
    return extents(of: pattern)
  }

  /// The shape that the configuration gives a canonical tensor.
  func extents(of pattern: TensorPattern) -> [Int] {
    pattern.shape.map { extent in
      switch extent {
      case .vocabulary: configuration.vocabularySize
      case .hidden: configuration.hiddenSize
      case .doubleHidden: 2 * configuration.hiddenSize
      case .embedding: configuration.embeddingSize
      case .intermediate: configuration.intermediateSize
      case .heads: configuration.headCount
      case .headSize: configuration.headSize
      case .positions: configuration.positionCount
      case .tokenTypes: configuration.tokenTypeCount
      case .fixed(let count): count
      case .labels: labelCount ?? 0
      }
    }
  }
}
