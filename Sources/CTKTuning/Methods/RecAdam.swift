import CKernels
import CTKModel
import Foundation

/// AdamW whose objective moves from the pretrained weights to the task.
///
/// After Chen, Hou, Cui, Che, Liu and Yu 2020 ("Recall and Learn").
/// Adam's step is scaled by a share s(t) that grows from 0 to 1; the rest of the objective,
/// `(1 - s) strength / 2 |w - w0|^2`, pulls the moved weights outside of Adam's moments.
/// Parameters without a pretrained value take plain AdamW steps.
package final class RecAdam {
  /// How the share of the task grows.
  package enum Annealing: String, Sendable, CaseIterable {
    /// 1 / (1 + exp(-rate (t - midpoint))).
    case sigmoid
    /// min(1, t / midpoint).
    case linear
  }

  package struct Settings: Sendable, Equatable {
    package var strength = 5000.0
    package var annealing = Annealing.sigmoid
    package var rate = 0.5
    package var midpoint = 250

    package init() {}

    /// The task's share of the objective at step `number`, counted from 1.
    package func share(at number: Int) -> Double {
      switch annealing {
      case .sigmoid: 1 / (1 + exp(-rate * Double(number - midpoint)))
      case .linear: midpoint == 0 ? 1 : min(1, Double(number) / Double(midpoint))
      }
    }
  }

  package let adam: AdamW
  private let settings: Settings
  private let pretrained: PretrainedWeights

  init(adam: AdamW, settings: Settings, pretrained: PretrainedWeights) {
    self.adam = adam
    self.settings = settings
    self.pretrained = pretrained
  }

  func step(
    _ parameters: ParameterVector, gradient: CompactGradient, _ update: OptimizerUpdate
  ) {
    let share = settings.share(at: update.number)
    for slice in adam.plan.slices {
      let update = update.of(slice)
      let rate = Double(update.learningRate) * (1 - share) * settings.strength
      guard slice.isPretrained else {
        adam.move(slice, parameters, gradient, adam.constants(slice, update))
        continue
      }
      var constants = adam.constants(slice, update, decays: false)
      constants.step_size *= Float(share)
      adam.move(slice, parameters, gradient, constants)
      pretrained.pull(
        slice, parameters, rate: Float(rate), decay: adam.decayFactor(slice, update))
    }
  }
}
