package import CTKCore
import CTKModel
import CTKTensor

/// How far the weights outside the child left the base, under a profile that decays them.
package struct ChildDrift: Sendable, Equatable {
  /// Weights of the masked tensors that are not the child's.
  package let weights: Int
  /// Those whose bits changed.
  package let moved: Int
  /// Largest change relative to the base's value.
  package let largestRelative: Double

  package var json: JSONValue {
    [
      "weights": .integer(weights), "moved": .integer(moved),
      "largest_relative": .real(largestRelative),
    ]
  }

  init?(json: JSONValue) {
    guard let weights = json["weights"]?.intValue, let moved = json["moved"]?.intValue,
      let largest = json["largest_relative"]?.doubleValue
    else { return nil }
    self.weights = weights
    self.moved = moved
    largestRelative = largest
  }

  /// - Throws: the base's errors.
  init(
    of child: ChildEntries, _ parameters: ParameterVector, base: any TensorSource
  ) throws {
    var (weights, moved, largest) = (0, 0, 0.0)
    for (id, positions) in child.positions {
      let parameter = parameters.layout[id]
      guard let info = base.info(of: parameter.name) else { continue }
      let before = FloatBuffer(count: parameter.count)
      try base.withTensorBytes(parameter.name) {
        try FloatDecoding.decode($0, info: info, into: before.base)
      }
      let after = parameters.pointer(id)
      var next = positions.startIndex
      for index in 0..<parameter.count {
        if next < positions.endIndex && positions[next] == UInt32(index) {
          next += 1
          continue
        }
        let (old, new) = (before.base[index], after[index])
        weights += 1
        if old.bitPattern == new.bitPattern { continue }
        moved += 1
        largest = max(largest, abs(Double(new) - Double(old)) / abs(Double(old)))
      }
    }
    self.weights = weights
    self.moved = moved
    largestRelative = largest
  }
}
