public import CTKCore

/// A child network: which weights of a base checkpoint are trained.
///
/// Stored as specified in `formats/mask.md`.
public struct ParameterMask: Sendable {
  /// Scored tensors in name order, those without a selected weight too.
  public let tensors: [MaskedTensor]
  /// Fingerprint of the checkpoint whose weights were scored.
  public let baseFingerprint: Digest
  /// Weights that were scored.
  public let scored: Int
  /// Share of the scored weights that was asked for.
  public let keep: Double
  /// What the weights were ranked by, as `fisher`.
  public let score: String
  public let provenance: Provenance
  /// Weights in the child.
  public let selected: Int
  /// Identity of the child: a digest over names, shapes and positions.
  public let digest: Digest

  /// - Parameter tensors: in any order.
  /// - Throws: `mask.invalid` for a repeated name, for more selected than scored
  ///   weights, or for a keep ratio outside 0...1.
  public init(
    tensors: [MaskedTensor], baseFingerprint: Digest, scored: Int, keep: Double, score: String,
    provenance: Provenance = Provenance()
  ) throws(PatchError) {
    let sorted = tensors.sorted { utf8Precedes($0.name, $1.name) }
    if Set(sorted.map(\.name)).count != sorted.count {
      throw PatchError(.maskInvalid, "the mask names a tensor twice")
    }
    let selected = sorted.reduce(0) { $0 + $1.positions.count }
    guard selected <= scored, keep >= 0, keep <= 1 else {
      throw PatchError(
        .maskInvalid,
        "\(selected) weights are selected of \(scored) scored, with a keep ratio of \(keep)")
    }
    self.tensors = sorted
    self.baseFingerprint = baseFingerprint
    self.scored = scored
    self.keep = keep
    self.score = score
    self.provenance = provenance
    self.selected = selected
    digest = Self.digest(of: sorted)
  }

  /// The tensor of that name; nil when it was not scored.
  public func tensor(named name: String) -> MaskedTensor? {
    tensors.first { UTF8Key($0.name) == UTF8Key(name) }
  }

  /// `formats/mask.md` section 4.
  private static func digest(of tensors: [MaskedTensor]) -> Digest {
    var hasher = StreamingDigest()
    for tensor in tensors where !tensor.positions.isEmpty {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      hasher.update(
        "\(tensor.name.utf8.count)\n\(tensor.name)\n\(shape)\n\(tensor.positions.count)\n")
      tensor.positions.map { $0.littleEndian }.withUnsafeBytes { hasher.update($0) }
    }
    return hasher.finalize()
  }
}

// MARK: JSON

extension ParameterMask {
  /// The members that `ctk inspect --json` prints for a mask.
  public var json: JSONObject {
    var object = JSONObject([
      "kind": "mask",
      "selected": .integer(selected),
      "scored": .integer(scored),
      "keep": .real(keep),
      "score": .string(score),
      "digest": .string(digest.hex),
      "base_fingerprint": .string(baseFingerprint.hex),
      "provenance": provenance.json,
    ])
    object["tensors"] = .array(tensors.map(\.json))
    return object
  }
}

extension MaskedTensor {
  /// One row of the mask's tensor table.
  var json: JSONValue {
    var object = JSONObject([
      "name": .string(name), "selected": .integer(positions.count),
      "shape": .array(shape.map { .integer($0) }),
    ])
    if scores != ScoreSummary() { object["scores"] = scores.json }
    return .object(object)
  }
}

extension ScoreSummary {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["largest"] = largest.map { .real($0) }
    object["selected_total"] = selectedTotal.map { .real($0) }
    object["smallest_selected"] = smallestSelected.map { .real($0) }
    object["total"] = total.map { .real($0) }
    return .object(object)
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "'scores'")
    largest = try fields.optional("largest", "a number", \.doubleValue)
    selectedTotal = try fields.optional("selected_total", "a number", \.doubleValue)
    smallestSelected = try fields.optional("smallest_selected", "a number", \.doubleValue)
    total = try fields.optional("total", "a number", \.doubleValue)
    try fields.requireNoMore()
  }
}
