import CKernels
import CTKCore
import CTKModel
import CTKTensor
import Foundation

/// The network of every family once more, in double precision and as plainly as its
/// formulas read, so that finite differences of its loss are exact to ten digits.
struct TwinNetwork {
  let configuration: ModelConfiguration
  let layout: ParameterLayout
  let batch: PackedBatch
  let objective: TwinObjective
  let dropout: DropoutStream?
  let noise: EmbeddingNoise?
  /// All parameters, in the layout's order.
  var weights: [Double]
  /// The weights that word embeddings under noise are constants of.
  private let constants: [Double]

  init(
    configuration: ModelConfiguration, layout: ParameterLayout, batch: PackedBatch,
    objective: TwinObjective, dropout: DropoutStream?, noise: EmbeddingNoise?, weights: [Double]
  ) {
    self.configuration = configuration
    self.layout = layout
    self.batch = batch
    self.objective = objective
    self.dropout = dropout
    self.noise = noise
    self.weights = weights
    constants = weights
  }

  var loss: Double { objective.loss(logits) }

  /// Change of the loss by one weight: a central difference.
  mutating func slope(at index: Int, step: Double = 1e-5) -> Double {
    let middle = weights[index]
    weights[index] = middle + step
    let up = loss
    weights[index] = middle - step
    let down = loss
    weights[index] = middle
    return (up - down) / (2 * step)
  }

  /// [B][labels].
  var logits: [[Double]] {
    var hidden = embedded
    for layer in 0..<configuration.layerCount {
      switch configuration.architecture {
      case .bert, .roberta, .electra: hidden = bertLayer(layer, hidden)
      case .distilbert: hidden = distilBERTLayer(layer, hidden)
      case .xlnet: hidden = xlnetLayer(layer, hidden)
      }
    }
    return head(hidden)
  }

  // MARK: Families

  private var prefix: String { configuration.architecture.rawValue }

  private var embedded: [[Double]] {
    let isXLNet = configuration.architecture == .xlnet
    let name = isXLNet ? "transformer.word_embedding" : "\(prefix).embeddings.word_embeddings"
    var rows = words(name + ".weight")
    if isXLNet { return dropped(rows, .embeddings) }
    let positions = matrix("\(prefix).embeddings.position_embeddings.weight")
    rows = zip(rows, positionRows).map { add($0, positions[$1]) }
    if configuration.tokenTypeCount > 0 {
      let types = matrix("\(prefix).embeddings.token_type_embeddings.weight")
      rows = zip(rows, batch.tokenTypeIDs).map { add($0, types[Int($1)]) }
    }
    rows = dropped(norm(rows, "\(prefix).embeddings.LayerNorm"), .embeddings)
    let project = "\(prefix).embeddings_project"
    return layout.id(of: project + ".weight") == nil ? rows : linear(rows, project)
  }

  /// Rows of the table, and constants with noise from the first noisy sequence on.
  private func words(_ name: String) -> [[Double]] {
    let table = matrix(name)
    let clean = noise?.clean.tokenCount ?? batch.tokenCount
    return batch.tokenIDs.enumerated().map { token, id in
      guard let noise, token >= clean, let parameter = layout.id(of: name).map({ layout[$0] })
      else { return table[Int(id)] }
      let (width, start) = (parameter.columns, parameter.offset + Int(id) * parameter.columns)
      return (0..<width).map { column in
        let hash = hashed(
          noise.noise.key0, noise.noise.key1, (token - clean) * width + column)
        return constants[start + column]
          + Double(noise.noise.scale) * Double(Int32(bitPattern: hash)) * 0x1p-31
      }
    }
  }

  /// RoBERTa counts the tokens that are not padding, from the row after the padding's.
  private var positionRows: [Int] {
    guard configuration.architecture == .roberta else { return batch.positions.map { Int($0) } }
    let padding = configuration.padTokenID
    return (0..<batch.sequenceCount).flatMap { sequence in
      var count = 0
      return batch.tokenIDs[batch.offsets[sequence]..<batch.offsets[sequence + 1]].map { id in
        if id == padding { return padding }
        count += 1
        return padding + count
      }
    }
  }

  private func bertLayer(_ layer: Int, _ input: [[Double]]) -> [[Double]] {
    let name = "\(prefix).encoder.layer.\(layer)"
    let context = attention(
      ["query", "key", "value"].map { linear(input, "\(name).attention.self.\($0)") }, layer)
    let output = dropped(linear(context, "\(name).attention.output.dense"), .attentionOutput, layer)
    let middle = norm(add(output, input), "\(name).attention.output.LayerNorm")
    return feedForward(
      middle, "\(name).intermediate.dense", "\(name).output.dense", "\(name).output.LayerNorm",
      layer)
  }

  private func distilBERTLayer(_ layer: Int, _ input: [[Double]]) -> [[Double]] {
    let name = "distilbert.transformer.layer.\(layer)"
    let context = attention(
      ["q_lin", "k_lin", "v_lin"].map { linear(input, "\(name).attention.\($0)") }, layer)
    let output = linear(context, "\(name).attention.out_lin")
    let middle = norm(add(output, input), "\(name).sa_layer_norm")
    return feedForward(
      middle, "\(name).ffn.lin1", "\(name).ffn.lin2", "\(name).output_layer_norm", layer)
  }

  private func xlnetLayer(_ layer: Int, _ input: [[Double]]) -> [[Double]] {
    let name = "transformer.layer.\(layer)"
    let context = relativeAttention(input, "\(name).rel_attn", layer)
    let output = dropped(timesTransposed(context, "\(name).rel_attn.o"), .attentionOutput, layer)
    let middle = norm(add(output, input), "\(name).rel_attn.layer_norm")
    return feedForward(
      middle, "\(name).ff.layer_1", "\(name).ff.layer_2", "\(name).ff.layer_norm", layer)
  }

  private func feedForward(
    _ input: [[Double]], _ first: String, _ second: String, _ normName: String, _ layer: Int
  ) -> [[Double]] {
    let inner = activated(linear(input, first), configuration.activation)
    let output = linear(dropped(inner, .activation, layer), second)
    return norm(add(dropped(output, .feedForwardOutput, layer), input), normName)
  }

  private func head(_ hidden: [[Double]]) -> [[Double]] {
    if case .tokens = objective { return linear(dropped(hidden, .tokens), "classifier") }
    let vectors = (0..<batch.sequenceCount).map { sequence -> [Double] in
      let rows = hidden[batch.offsets[sequence]..<batch.offsets[sequence + 1]]
      switch configuration.summary?.kind ?? .first {
      case .first: return rows.first ?? []
      case .last: return rows.last ?? []
      case .mean:
        let sum = rows.dropFirst().reduce(rows.first ?? [], add)
        return sum.map { $0 / Double(rows.count) }
      }
    }
    let (dense, activation, output): (String, Activation, String) =
      switch configuration.architecture {
      case .bert: ("bert.pooler.dense", .tanh, "classifier")
      case .roberta: ("classifier.dense", .tanh, "classifier.out_proj")
      case .electra: ("classifier.dense", .gelu, "classifier.out_proj")
      case .distilbert: ("pre_classifier", .relu, "classifier")
      case .xlnet:
        ("sequence_summary.summary", configuration.summary?.activation ?? .tanh, "logits_proj")
      }
    let pooled = activated(linear(dropped(vectors, .headInput), dense), activation)
    return linear(dropped(pooled, .classifier), output)
  }
}
