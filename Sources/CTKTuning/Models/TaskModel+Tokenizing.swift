import CTKCheckpoint
package import CTKCore
import CTKModel
package import CTKTensor
import CTKText

extension TaskModel {
  /// Examples of one thread between two reports of progress.
  private static let reportInterval = 1024

  /// Tokenizes examples, cut to `maxLength` tokens.
  package func tokenize(
    _ examples: [Example], maxLength: Int, compute: Compute, progress: ProgressHandler? = nil
  ) -> TokenizedDataset {
    let length = min(maxLength, checkpoint.configuration.lengthLimit ?? maxLength)
    if labels.headKind == .tokens {
      let sentences = encode(examples, compute, progress) {
        tokenizer.encode(words: $0.words ?? [], maxLength: length)
      }
      return TokenizedDataset(sentences, tags: TaskData.tags(examples))
    }
    let encodings = encode(examples, compute, progress) {
      tokenizer.encode($0.text, pair: $0.pair, maxLength: length)
    }
    return TokenizedDataset(encodings, targets: TaskData.targets(examples))
  }

  /// Encodes by all threads; the first of them, this one, reports for all.
  private func encode<Encoded>(
    _ examples: [Example], _ compute: Compute, _ progress: ProgressHandler?,
    _ encoding: (Example) -> Encoded
  ) -> [Encoded] {
    let firstPart = examples.count / compute.threadCount
    return compute.map(examples.count) { position in
      if position % Self.reportInterval == 0, position < firstPart {
        progress?(
          ProgressEvent(
            stage: "tokenize", completed: position * compute.threadCount, total: examples.count,
            unit: "texts"))
      }
      return encoding(examples[position])
    }
  }

  /// Tokenizes a task's evaluation sets, the main one first.
  package func tokenize(
    _ data: TaskData, maxLength: Int, compute: Compute, progress: ProgressHandler? = nil
  ) -> [EvaluationData] {
    data.evaluationSets.map {
      EvaluationData(
        name: $0.name,
        data: tokenize($0.examples, maxLength: maxLength, compute: compute, progress: progress))
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
