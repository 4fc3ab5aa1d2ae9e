import CTKCore

/// The numbers of the methods, each used only by the part that it belongs to.
package struct MethodSettings: Sendable, Equatable {
  /// Share of the scored weights in the child, or of the gradient entries that
  /// Child-Tuning-F keeps; nil takes the method's own.
  package var keep: Double?
  /// Layers that train under top-k.
  package var topLayers = 3
  /// Factor of the squared distance to the pretrained weights.
  package var pull = 0.01
  /// Probability of a pretrained weight in the mixture.
  package var mixout = 0.9
  package var recAdam = RecAdam.Settings()
  package var r3f = R3F()

  /// Keep ratio of Child-Tuning-D when none is given.
  package static let childKeep = 0.1
  /// Keep probability of Child-Tuning-F when none is given.
  package static let gradientKeep = 0.3

  package init() {}

  package func keep(of method: TuningMethod) -> Double {
    keep ?? (method.contains(.childF) ? Self.gradientKeep : Self.childKeep)
  }

  /// - Parameter learningRate: the peak.
  /// - Throws: `options.invalid`.
  func validate(for method: TuningMethod, learningRate: Double) throws(TuningError) {
    let rules: [(MethodPart, Bool, String)] = [
      (.topK, topLayers >= 0, "--top-layers must not be negative"),
      (.weightDecay, pull >= 0 && pull.isFinite, "--pull must not be negative"),
      (.mixout, mixout >= 0 && mixout < 1, "--mixout must be at least 0 and below 1"),
      (.recAdam, recAdam.strength >= 0, "--recadam-strength must not be negative"),
      (.recAdam, recAdam.rate > 0 && recAdam.rate.isFinite, "--recadam-rate must be positive"),
      (.recAdam, recAdam.midpoint >= 0, "--recadam-midpoint must not be negative"),
      (
        .recAdam, learningRate * recAdam.strength < 2,
        "the learning rate times --recadam-strength must be below 2, or the pull overshoots"
      ),
      (.r3f, r3f.weight >= 0 && r3f.weight.isFinite, "--r3f-weight must not be negative"),
      (.r3f, r3f.epsilon >= 0 && r3f.epsilon.isFinite, "--r3f-epsilon must not be negative"),
    ]
    if let broken = rules.first(where: { method.contains($0.0) && !$0.1 }) {
      throw TuningError(.optionInvalid, broken.2)
    }
  }

  /// What of the settings the method uses, as a manifest records it.
  func json(for method: TuningMethod) -> JSONObject {
    var fields = JSONObject()
    for part in method.parts {
      switch part {
      case .childD, .childF: fields["keep"] = .real(keep(of: method))
      case .topK: fields["top_layers"] = .integer(topLayers)
      case .weightDecay: fields["pull"] = .real(pull)
      case .mixout: fields["mixout"] = .real(mixout)
      case .recAdam:
        fields["recadam_anneal"] = .string(recAdam.annealing.rawValue)
        fields["recadam_midpoint"] = .integer(recAdam.midpoint)
        fields["recadam_rate"] = .real(recAdam.rate)
        fields["recadam_strength"] = .real(recAdam.strength)
      case .r3f:
        fields["r3f_epsilon"] = .real(r3f.epsilon)
        fields["r3f_noise"] = .string(r3f.noise.rawValue)
        fields["r3f_weight"] = .real(r3f.weight)
      case .vanilla: break
      }
    }
    return fields
  }
}
