public import CTKCore

/// Figures about the scores of one tensor, as far as they are known.
public struct ScoreSummary: Sendable, Equatable {
  /// Sum over all scored weights.
  public var total: Double?
  /// Sum over the selected weights.
  public var selectedTotal: Double?
  public var smallestSelected: Double?
  public var largest: Double?

  public init(
    total: Double? = nil, selectedTotal: Double? = nil, smallestSelected: Double? = nil,
    largest: Double? = nil
  ) {
    self.total = total
    self.selectedTotal = selectedTotal
    self.smallestSelected = smallestSelected
    self.largest = largest
  }
}

/// The selected weights of one tensor.
public struct MaskedTensor: Sendable, Equatable {
  public let name: String
  public let shape: [Int]
  /// Row-major element positions, strictly ascending.
  public let positions: [UInt32]
  public let scores: ScoreSummary
  public let elementCount: Int

  /// - Throws: `mask.invalid` when the positions are not strictly ascending and
  ///   inside the shape, or the tensor has more than 2^32 elements.
  public init(
    name: String, shape: [Int], positions: [UInt32], scores: ScoreSummary = ScoreSummary()
  ) throws(PatchError) {
    let elementCount = try PatchError.wrap { () throws(CoreError) in
      try CheckedArithmetic.elementCount(of: shape, tensor: name)
    }
    self.name = name
    self.shape = shape
    self.positions = positions
    self.scores = scores
    self.elementCount = elementCount
    guard !name.isEmpty, name.utf8.count <= PatchFormat.nameLimit,
      shape.count <= PatchFormat.rankLimit, elementCount <= MaskFormat.elementLimit
    else {
      throw PatchError(.maskInvalid, "tensor '\(name)' of shape \(shape) cannot be masked")
    }
    guard Self.isAscending(positions), positions.last.map({ Int($0) < elementCount }) ?? true
    else {
      throw PatchError(
        .maskInvalid,
        "the positions in tensor '\(name)' do not ascend within its \(elementCount) elements")
    }
  }

  private static func isAscending(_ positions: [UInt32]) -> Bool {
    positions.withUnsafeBufferPointer { positions in
      var entry = 1
      while entry < positions.count {
        if positions[entry - 1] >= positions[entry] { return false }
        entry += 1
      }
      return true
    }
  }
}
