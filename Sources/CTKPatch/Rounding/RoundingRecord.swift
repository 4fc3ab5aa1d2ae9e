public import CTKCore

/// What a patch says about the rounding of its target (`formats/patch.md` section 4.7).
public struct RoundingRecord: Sendable, Equatable {
  public let rounding: Rounding
  /// How far the target's weights are from those that were trained.
  public let error: RoundingError
  /// Fingerprint of the model before its changes were rounded.
  public let unroundedFingerprint: Digest

  init(rounding: Rounding, error: RoundingError, unroundedFingerprint: Digest) {
    self.rounding = rounding
    self.error = error
    self.unroundedFingerprint = unroundedFingerprint
  }
}

// MARK: Metadata

extension RoundingRecord {
  public var json: JSONObject {
    JSONObject([
      "form": .string(rounding.rawValue), "mean_error": .real(error.mean),
      "unrounded_fingerprint": .string(unroundedFingerprint.hex),
      "weights": .integer(error.weights), "worst_error": .real(error.worst),
    ])
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "'rounding'")
    let form = try fields.string("form")
    guard let rounding = Rounding(rawValue: form), rounding != .none else {
      throw .unsupported("the rounding '\(form)'")
    }
    self.rounding = rounding
    unroundedFingerprint = try fields.digest("unrounded_fingerprint")
    guard let worst = fields.take("worst_error")?.doubleValue, worst >= 0, worst.isFinite,
      let mean = fields.take("mean_error")?.doubleValue, mean >= 0, mean <= worst
    else { throw .damaged("'rounding' has impossible errors") }
    error = RoundingError(weights: try fields.count("weights"), worst: worst, mean: mean)
    try fields.requireNoMore()
  }
}
