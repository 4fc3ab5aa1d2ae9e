import CTKCore
import CTKModel
import CTKTensor
import CTKTuning

/// A run of a tiny network with drawn weights, large enough for operations to be divided.
struct CountedRun {
  private let trainer: Trainer
  /// What the steps take by turns; the first has the largest batches.
  private let steps: [[TrainingBatch]]

  init(family: String, method: TuningMethod, threads: Int, accumulation: Int) throws {
    let network = try SequenceClassifier(
      configuration: Self.configuration(family), labelCount: 3)
    let parameters = ParameterVector(layout: network.layout)
    for id in network.layout.allIDs {
      parameters.initialize(
        id, deviation: 0.1, random: CounterRandom(1, UInt64(id.index)))
    }
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(peak: 1e-4, totalSteps: 8, warmupRatio: 0), seed: 2)
    settings.recipe = MethodRecipe(method, MethodSettings())
    settings.lossRule.smoothing = 0.1
    settings.accumulation = accumulation
    steps = [[64, 64, 40, 8], [64, 5, 33], [1]].map { lengths in
      Array(repeating: Self.batch(lengths, family), count: accumulation)
    }
    trainer = Trainer(
      network: network, parameters: parameters, plan: Self.plan(network.layout, method),
      settings: settings, limits: BatchLimits(covering: steps.joined().map(\.batch)),
      compute: Compute(threadCount: threads))
  }

  func step(_ number: Int) { _ = trainer.step(steps[number % steps.count]) }

  /// A child has a third of half of a matrix's rows, so that a part of it is formed alone.
  private static func plan(_ layout: ParameterLayout, _ method: TuningMethod) -> TrainablePlan {
    guard method.contains(.childD) else {
      return TrainablePlan(layout: layout, child: [:], dense: Set(layout.allIDs))
    }
    var child: [ParameterID: [UInt32]] = [:]
    for id in layout.allIDs where layout[id].part != .head {
      let (rows, columns) = (layout[id].rows, layout[id].columns)
      child[id] = (0..<rows).filter { $0 % 2 == 0 }.flatMap { row in
        stride(from: row * columns, to: (row + 1) * columns, by: 3).map { UInt32($0) }
      }
    }
    return TrainablePlan(
      layout: layout, child: child,
      dense: Set(layout.allIDs.filter { layout[$0].part == .head }))
  }

  private static func batch(_ lengths: [Int], _ family: String) -> TrainingBatch {
    var batch = PackedBatch()
    for (sequence, length) in lengths.enumerated() {
      batch.append(
        tokenIDs: (0..<length).map { Int32(2 + ($0 * 7 + sequence) % 60) },
        tokenTypeIDs: Array(repeating: 0, count: length))
    }
    return TrainingBatch(batch: batch, targets: .classes(lengths.map { $0 % 3 }))
  }

  private static func configuration(_ family: String) throws -> ModelConfiguration {
    let names: [String: JSONValue] =
      switch family {
      case "distilbert":
        [
          "dim": 64, "n_layers": 2, "n_heads": 2, "hidden_dim": 256, "activation": "gelu",
        ]
      case "xlnet":
        [
          "d_model": 64, "n_layer": 2, "n_head": 2, "d_inner": 256, "attn_type": "bi",
          "summary_type": "last", "summary_use_proj": true, "summary_activation": "tanh",
          "summary_last_dropout": 0.1, "clamp_len": -1, "ff_activation": "gelu",
        ]
      default:
        [
          "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
          "intermediate_size": 256, "type_vocab_size": 2, "embedding_size": 32,
          "hidden_act": "gelu",
        ]
      }
    var fields = JSONObject()
    for (name, value) in names { fields[name] = value }
    fields["layer_norm_eps"] = 1e-12
    fields["model_type"] = .string(family)
    fields["vocab_size"] = 64
    fields["max_position_embeddings"] = 80
    fields["pad_token_id"] = 1
    return try ModelConfiguration(json: .object(fields))
  }
}
