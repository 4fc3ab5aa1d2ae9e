import CTKCore
import CTKTuning
import Foundation

/// The members of a line that `ctk predict` prints.
struct PredictionFields {
  let labels: LabelSpace

  /// - Parameter logits: of one example of the data, as `Evaluator` gives them.
  func fields(
    _ logits: [Float], input: TextInput, of data: TokenizedDataset, example: Int
  ) -> JSONObject {
    switch labels {
    case .score:
      JSONObject([
        "logits": numbers(logits), "score": .real(Double(logits[0])),
      ])
    case .classes(let names):
      JSONObject([
        "logits": numbers(logits), "label": .string(names[Metrics.prediction(logits[...])]),
        "probabilities": .array(Self.probabilities(logits).map { .real($0) }),
      ])
    case .tags(let names): tagFields(logits, input, data, example, names)
    }
  }

  /// Words with their labels; a word that was cut off has neither logits nor probability.
  private func tagFields(
    _ logits: [Float], _ input: TextInput, _ data: TokenizedDataset, _ example: Int,
    _ names: [String]
  ) -> JSONObject {
    let pieces = data.firstPieces[example]
    let rows = pieces.map { piece in
      piece.map { Array(logits[$0 * names.count..<($0 + 1) * names.count]) }
    }
    var fields = JSONObject()
    if case .text(let text, _) = input {
      fields["words"] = .array(InputEncoder.words(of: text).map { .string($0) })
    }
    let tags = Judge(labels: labels, metrics: []).tags(logits, of: data, example: example)
    fields["labels"] = .array(tags.map { .string(names[$0]) })
    fields["logits"] = .array(rows.map { $0.map(numbers) ?? .null })
    fields["probabilities"] = .array(
      rows.map { row in
        row.flatMap { Self.probabilities($0).max() }.map { .real($0) } ?? .null
      })
    return fields
  }

  private func numbers(_ values: [Float]) -> JSONValue {
    .array(values.map { .real(Double($0)) })
  }

  private static func probabilities(_ logits: [Float]) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let weights = logits.map { exp(Double($0) - largest) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
}
