import CTKCheckpoint
package import CTKCore
import CTKModel
import CTKText

extension TaskModel {
  /// Examples between two reports of progress.
  private static let reportInterval = 1024

  /// Tokenizes examples, cut to `maxLength` tokens.
  package func tokenize(
    _ examples: [Example], maxLength: Int, progress: ProgressHandler? = nil
  ) -> TokenizedDataset {
    let length = min(maxLength, checkpoint.configuration.lengthLimit ?? maxLength)
    func report(_ position: Int) {
      guard position % Self.reportInterval == 0 else { return }
      progress?(
        ProgressEvent(
          stage: "tokenize", completed: position, total: examples.count, unit: "texts"))
    }
    if labels.headKind == .tokens {
      let sentences = examples.enumerated().map { position, example in
        report(position)
        return tokenizer.encode(words: example.words ?? [], maxLength: length)
      }
      return TokenizedDataset(sentences, tags: TaskData.tags(examples))
    }
    let encodings = examples.enumerated().map { position, example in
      report(position)
      return tokenizer.encode(example.text, pair: example.pair, maxLength: length)
    }
    return TokenizedDataset(encodings, targets: TaskData.targets(examples))
  }

  /// Tokenizes a task's evaluation sets, the main one first.
  package func tokenize(
    _ data: TaskData, maxLength: Int, progress: ProgressHandler? = nil
  ) -> [EvaluationData] {
    [EvaluationData(name: nil, data: tokenize(data.dev, maxLength: maxLength, progress: progress))]
      + data.furtherDev.map {
        EvaluationData(
          name: $0.name,
          data: tokenize($0.examples, maxLength: maxLength, progress: progress))
      }
  }
}

/// One of a task's evaluation sets, tokenized.
package struct EvaluationData: Sendable {
  /// Nil for the main one.
  package let name: String?
  package let data: TokenizedDataset

  package init(name: String?, data: TokenizedDataset) {
    self.name = name
    self.data = data
  }
}
