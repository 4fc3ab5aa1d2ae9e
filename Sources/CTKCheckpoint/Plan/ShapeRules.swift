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
    guard let shape = operation.shape(from: source.shape) else {
      throw CheckpointError(
        .shapeMismatch,
        "'\(source.name)' has shape \(source.shape), '\(target)' is made from a matrix")
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
    pattern.shape.map { extent in
      switch extent {
      case .vocabulary: return configuration.vocabularySize
      case .hidden: return configuration.hiddenSize
      case .doubleHidden: return 2 * configuration.hiddenSize
      case .embedding: return configuration.embeddingSize
      case .intermediate: return configuration.intermediateSize
      case .heads: return configuration.headCount
      case .headSize: return configuration.headSize
      case .positions: return configuration.positionCount
      case .tokenTypes: return configuration.tokenTypeCount
      case .fixed(let count): return count
      case .labels:
        let count = labelCount ?? shape.first ?? 0
        labelCount = count
        return count
      }
    }
  }
}
