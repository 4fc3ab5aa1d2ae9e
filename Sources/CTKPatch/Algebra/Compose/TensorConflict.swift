public import CTKCore

/// How the patches of a composition meet in one tensor.
public struct TensorConflict: Sendable {
  public let name: String
  /// Units of the tensor; 0 when a patch holds it whole.
  public let unitCount: Int
  /// Units that each patch changes, in the order of the patches that touch the tensor.
  public let changes: [Int]
  /// Units that more than one patch changes.
  public internal(set) var overlap = 0
  /// Overlapping units at which all patches go up or all go down.
  public internal(set) var agreeing = 0
  /// Largest distance of two patches' numbers at one unit; nil when the dtype has none.
  public internal(set) var largestDifference: Double?
  /// The same distance counted in representable numbers.
  public internal(set) var largestSteps: UInt64 = 0
  /// How a tensor that patches hold whole, each in its own way, was settled.
  public internal(set) var settled: HeadPolicy?

  init(name: String, unitCount: Int, changes: [Int]) {
    self.name = name
    self.unitCount = unitCount
    self.changes = changes
  }

  /// Overlap to be expected of random masks with these counts of changes.
  public var chance: Double {
    guard unitCount > 0 else { return 0 }
    let shares = changes.map { Double($0) / Double(unitCount) }
    var (none, one) = (1.0, 0.0)
    for share in shares {
      one = one * (1 - share) + none * share
      none *= 1 - share
    }
    return Double(unitCount) * max(0, 1 - none - one)
  }

  /// Share of the overlapping units with one sign; nil without any.
  public var signAgreement: Double? {
    overlap == 0 ? nil : Double(agreeing) / Double(overlap)
  }

  /// The members that `ctk compose --json` prints.
  public var json: JSONObject {
    var object = JSONObject([
      "name": .string(name), "units": .integer(unitCount),
      "changes": .array(changes.map { .integer($0) }), "overlap": .integer(overlap),
      "chance": .real(chance),
    ])
    object["sign_agreement"] = signAgreement.map { .real($0) } ?? .null
    object["largest_difference"] = largestDifference.map { .real($0) } ?? .null
    object["largest_steps"] =
      Int(exactly: largestSteps).map { .integer($0) } ?? .unsigned(largestSteps)
    object["settled"] = settled.map { .string($0.rawValue) }
    return object
  }
}
