import CKernels
import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import Testing

/// Backward passes against finite differences of a twin in double precision: every
/// parameter of every layer of every family, with each activation, head and objective, and
/// with dropout.
///
/// The differences are exact to about 1e-9; the tolerance is for the f32 pass, whose
/// gradients are sums of a few dozen terms below 1.
@Suite(.tags(.numeric))
struct FiniteDifferenceTests {
  struct Case: Sendable, CustomStringConvertible {
    let architecture: Architecture
    var activation = Activation.gelu
    var summary = SequenceSummary.Kind.last
    var distanceLimit: Int?
    var hasTokenTypes = true
    var dropout: Float = 0
    var objective = TwinObjective.classes([1, 0, 2])

    var description: String {
      "\(architecture) \(activation) \(summary) \(distanceLimit ?? 0) \(hasTokenTypes) \(dropout) "
        + "\(objective)"
    }
  }

  static let cases: [Case] =
    Architecture.allCases.flatMap {
      [
        Case(architecture: $0), Case(architecture: $0, dropout: 0.2),
        Case(architecture: $0, dropout: 0.2, objective: .tokens(tags)),
        Case(architecture: $0, objective: .consistent([1, 0, 2], weight: 0.7)),
      ]
    }
    + [.geluTanh, .relu, .silu, .tanh].map { Case(architecture: .bert, activation: $0) }
    + [
      Case(architecture: .xlnet, summary: .first), Case(architecture: .xlnet, summary: .mean),
      Case(architecture: .xlnet, distanceLimit: 2),
      Case(architecture: .xlnet, hasTokenTypes: false),
      Case(architecture: .xlnet, hasTokenTypes: false, dropout: 0.2),
      Case(architecture: .bert, objective: .scores([0.3, -1, 2])),
      Case(architecture: .roberta, dropout: 0.2, objective: .consistent([0, 1, 2], weight: 2)),
    ]

  /// Classes of the batch's 14 tokens; some have none.
  private static let tags = [0, 1, -1, 2, 1, 0, -1, 2, -1, 1, 1, 0, -1, 2]

  @Test(arguments: cases)
  func everyGradientIsTheSlopeOfTheLoss(_ setting: Case) throws {
    let configuration = try configuration(setting)
    let objective = setting.objective
    let network = try SequenceClassifier(
      configuration: configuration, labelCount: objective.labelCount, head: objective.headKind)
    let parameters = ParameterVector(layout: network.layout)
    var random = SeededGenerator(seed: 31)
    for index in 0..<network.layout.count {
      parameters.mutablePointer(ParameterID(0))[index] = 0.6 * random.signedUnit()
    }
    var batch = batch(setting, configuration)
    var noise: EmbeddingNoise?
    if case .consistent = objective {
      noise = EmbeddingNoise(
        after: batch,
        noise: ctk_noise(scale: 0.3, isNormal: false, random: CounterRandom(4)))
      batch = batch.doubled
    }
    let stream = setting.dropout > 0 ? DropoutStream(seed: 5, step: 3) : nil
    var twin = TwinNetwork(
      configuration: configuration, layout: network.layout, batch: batch, objective: objective,
      dropout: stream, noise: noise, weights: parameters.array().map(Double.init))

    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: Compute(threadCount: 2))
    let pass = network.forward(batch, dropout: stream, noise: noise, parameters, workspace)
    let logits = Closeness.of(
      pass.logits.array(), twin.logits.flatMap { $0 }, absolute: 5e-6, relative: 5e-6)
    #expect(logits.isWithin, "\(logits)")
    objective.gradient(of: pass.logits)
    let sink = DenseGradient(network.layout)
    network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: sink, parameters, workspace)
    for parameter in network.layout.parameters {
      let slopes = (0..<parameter.count).map { twin.slope(at: parameter.offset + $0) }
      let closeness = Closeness.of(
        sink.floats(parameter.name), slopes, absolute: 1e-5, relative: 2e-5)
      #expect(closeness.isWithin, "\(parameter.name): \(closeness)")
    }
  }

  private func configuration(_ setting: Case) throws -> ModelConfiguration {
    let rate = JSONValue.real(Double(setting.dropout))
    var fields: JSONObject
    switch setting.architecture {
    case .bert, .roberta, .electra:
      fields = JSONObject([
        "hidden_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 9, "max_position_embeddings": 11, "type_vocab_size": 2,
        "hidden_act": .string(setting.activation.rawValue), "layer_norm_eps": 1e-5,
        "embedding_size": 5, "hidden_dropout_prob": rate, "attention_probs_dropout_prob": rate,
      ])
    case .distilbert:
      fields = JSONObject([
        "dim": 6, "n_layers": 2, "n_heads": 2, "hidden_dim": 9, "max_position_embeddings": 11,
        "activation": .string(setting.activation.rawValue), "dropout": rate,
        "attention_dropout": rate, "seq_classif_dropout": rate,
      ])
    case .xlnet:
      fields = JSONObject([
        "d_model": 6, "n_layer": 2, "n_head": 2, "d_inner": 9, "layer_norm_eps": 1e-5,
        "ff_activation": .string(setting.activation.rawValue), "dropout": rate,
        "clamp_len": .integer(setting.distanceLimit ?? -1), "attn_type": "bi",
        "summary_type": .string(setting.summary.rawValue), "summary_use_proj": true,
        "summary_activation": "tanh", "summary_last_dropout": rate,
      ])
    }
    fields["model_type"] = .string(setting.architecture.rawValue)
    fields["vocab_size"] = 7
    fields["pad_token_id"] = 1
    return try ModelConfiguration(json: .object(fields))
  }

  /// Sequences of 8, 1 and 5 tokens; the second id of the first is RoBERTa's padding.
  private func batch(_ setting: Case, _ configuration: ModelConfiguration) -> PackedBatch {
    var batch = PackedBatch()
    let sequences: [([Int32], [Int32])] = [
      ([0, 1, 5, 3, 3, 6, 2, 4], [0, 0, 0, 1, 1, 1, 1, 0]), ([6], [1]),
      ([2, 5, 0, 4, 6], [1, 1, 0, 0, 0]),
    ]
    for (ids, types) in sequences {
      batch.append(tokenIDs: ids, tokenTypeIDs: setting.hasTokenTypes ? types : nil)
    }
    return batch
  }
}
