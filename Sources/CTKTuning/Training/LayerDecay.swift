import CTKModel
import Foundation

/// Learning rates that fall from the head down to the embeddings.
///
/// The head learns at the whole rate, each layer at `factor` times the rate of what is above it,
/// and the embeddings at `factor` times the lowest layer's.
struct LayerDecay {
  private let layerCount: Int
  private let factor: Double

  init(_ layout: ParameterLayout, factor: Double) {
    layerCount = Set(layout.parameters.map(\.part)).subtracting([.embeddings, .head]).count
    self.factor = factor
  }

  func rateFactor(_ parameter: Parameter) -> Float {
    switch parameter.part {
    case .head: 1
    case .layer(let number): Float(pow(factor, Double(layerCount - number)))
    case .embeddings: Float(pow(factor, Double(layerCount + 1)))
    }
  }
}
