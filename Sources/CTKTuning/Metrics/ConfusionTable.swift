/// How often each class was predicted, was actual, and was both.
struct ConfusionTable {
  private let predicted: [Int]
  private let actual: [Int]
  private let hits: [Int]
  private let total: Int

  /// - Parameters: class ids from 0, one of each for every example.
  init(predicted predictions: [Int], actual ids: [Int]) {
    let classCount = max(predictions.max() ?? -1, ids.max() ?? -1) + 1
    var predicted = [Int](repeating: 0, count: classCount)
    var actual = predicted
    var hits = predicted
    for (prediction, id) in zip(predictions, ids) {
      predicted[prediction] += 1
      actual[id] += 1
      if prediction == id { hits[id] += 1 }
    }
    self.predicted = predicted
    self.actual = actual
    self.hits = hits
    total = ids.count
  }

  /// Share of correct predictions; 0 without examples.
  var accuracy: Double { ratio(hits.reduce(0, +), total) }

  /// 2 TP / (2 TP + FP + FN) of one class; 0 where the class never occurs.
  func f1(of id: Int) -> Double {
    guard hits.indices.contains(id) else { return 0 }
    return ratio(2 * hits[id], predicted[id] + actual[id])
  }

  /// Mean F1 of the classes that occur among predictions or labels.
  var macroF1: Double {
    let occurring = hits.indices.filter { predicted[$0] + actual[$0] > 0 }
    guard !occurring.isEmpty else { return 0 }
    return occurring.map { f1(of: $0) }.reduce(0, +) / Double(occurring.count)
  }

  /// Matthews correlation in its form for any number of classes (R_K of Gorodkin):
  /// the covariance of prediction and label over the root of both variances;
  /// 0 where either is constant.
  var matthews: Double {
    let examples = Double(total)
    let (predictedMoment, actualMoment) = (moment(predicted, predicted), moment(actual, actual))
    let variances =
      (examples * examples - predictedMoment) * (examples * examples - actualMoment)
    guard variances > 0 else { return 0 }
    let covariance = examples * Double(hits.reduce(0, +)) - moment(predicted, actual)
    return covariance / variances.squareRoot()
  }

  private func moment(_ left: [Int], _ right: [Int]) -> Double {
    zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  private func ratio(_ part: Int, _ whole: Int) -> Double {
    whole == 0 ? 0 : Double(part) / Double(whole)
  }
}
