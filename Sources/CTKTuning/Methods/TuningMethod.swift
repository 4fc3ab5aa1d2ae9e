import CTKCore

/// One idea of how to fine-tune.
package enum MethodPart: String, Sendable, CaseIterable {
  /// Every weight trains, and nothing else is done.
  case vanilla
  /// Child-Tuning-D: only a fixed child trains, chosen by Fisher information.
  case childD = "child-d"
  /// Only the uppermost layers and the head train (Houlsby et al. 2019).
  case topK = "top-k"
  /// Child-Tuning-F: every step drops gradient entries at random.
  case childF = "child-f"
  /// A penalty on the distance to the pretrained weights (Daume 2007).
  case weightDecay = "weight-decay"
  /// Every pass mixes pretrained weights in (Lee et al. 2020).
  case mixout
  /// The objective moves from the pretrained weights to the task (Chen et al. 2020).
  case recAdam = "recadam"
  /// A penalty on outputs that noise on the embeddings changes (Aghajanyan et al. 2021).
  case r3f

  /// What a part decides; two parts that decide the same contradict each other.
  fileprivate enum Subject {
    case everything
    case whatTrains
    case gradient
    case pull
    case loss
  }

  fileprivate var subject: Subject {
    switch self {
    case .vanilla: .everything
    case .childD, .topK: .whatTrains
    case .childF: .gradient
    case .weightDecay, .mixout, .recAdam: .pull
    case .r3f: .loss
    }
  }

  fileprivate func contradicts(_ other: MethodPart) -> Bool {
    subject == other.subject || subject == .everything || other.subject == .everything
      || [self, other] == [.childD, .childF]
  }
}

/// How a run moves the weights: one part, or several that decide different things.
package struct TuningMethod: Sendable, Hashable, CustomStringConvertible {
  /// In the order of their declaration, so that a method has one spelling.
  package let parts: [MethodPart]

  package static let childD = TuningMethod(.childD)
  package static let vanilla = TuningMethod(.vanilla)

  package init(_ part: MethodPart) { parts = [part] }

  /// - Parameter text: parts joined by plus signs, such as `child-d+r3f`.
  /// - Throws: `method.unknown`, `method.contradictory`.
  package init(_ text: String) throws(TuningError) {
    var parts: [MethodPart] = []
    for name in text.split(separator: "+", omittingEmptySubsequences: false) {
      guard let part = MethodPart(rawValue: String(name)) else {
        throw TuningError(
          .methodUnknown, "there is no method '\(name)'",
          hint: "methods are \(MethodPart.allCases.map(\.rawValue).joined(separator: ", ")), "
            + "or several joined by +")
      }
      parts.append(part)
    }
    self.parts = MethodPart.allCases.filter { parts.contains($0) }
    if self.parts.count < parts.count {
      throw TuningError(.methodContradictory, "the method '\(text)' names a part twice")
    }
    try refuseContradictions()
  }

  private func refuseContradictions() throws(TuningError) {
    for (place, part) in parts.enumerated() {
      guard let other = parts[(place + 1)...].first(where: { part.contradicts($0) }) else {
        continue
      }
      throw TuningError(
        .methodContradictory,
        "the methods \(part.rawValue) and \(other.rawValue) contradict each other",
        hint: "a combination has at most one of child-d, top-k and child-f (top-k and child-f "
          + "go together), one of weight-decay, mixout and recadam, and r3f")
    }
  }

  package func contains(_ part: MethodPart) -> Bool { parts.contains(part) }

  package var description: String { parts.map(\.rawValue).joined(separator: "+") }

  /// The peak learning rate that serves the method when none is given.
  ///
  /// A child of a tenth of the weights needs larger steps: at vanilla's rate it stays short
  /// of what it reaches at four times that (docs/benchmarks). Under Adam the steps of
  /// Child-Tuning-F are sqrt(keep) as large as vanilla's, so twice the rate gives the same.
  package var defaultLearningRate: Double {
    if contains(.childD) { return 2e-4 }
    return contains(.childF) ? 1e-4 : 5e-5
  }

  /// Decay towards zero when none is given; a method that pulls towards the pretrained
  /// weights does not pull to zero as well.
  package var defaultWeightDecay: Double {
    contains(.weightDecay) || contains(.recAdam) ? 0 : 0.01
  }
}
