import CTKCore
import CTKTestSupport
import CTKTuning
import Testing

/// Entity metrics against seqeval.
@Suite(.tags(.numeric))
struct TagMetricsTests {
  private static func sentences(_ json: JSONValue?) -> [[String]] {
    json?.arrayValue?.map { $0.arrayValue?.compactMap(\.stringValue) ?? [] } ?? []
  }

  @Test func entitiesAsSeqevalFindsThem() throws {
    let document = try JSONParser.parseFile(Fixtures.path("tokens/expected.json"))
    let cases = try #require(document["entities"]?.arrayValue)
    #expect(cases.count == 16)
    for entry in cases {
      let (actual, predicted) = (
        Self.sentences(entry["actual"]), Self.sentences(entry["predicted"])
      )
      let names = Set((actual + predicted).joined()).sorted()
      func ids(_ sentences: [[String]]) -> [[Int]] {
        sentences.map { $0.map { names.firstIndex(of: $0) ?? 0 } }
      }
      let results = TagMetrics(names: names).evaluate(
        [.entityF1, .entityPrecision, .entityRecall], predicted: ids(predicted),
        actual: ids(actual))
      let expected = ["f1", "precision", "recall"].map { entry[$0]?.doubleValue ?? -1 }
      let closeness = Closeness.of(
        results.map(\.value), expected, absolute: 1e-12, relative: 0)
      #expect(closeness.isWithin, "\(entry.compactText)")
    }
  }

  /// `L` and `U` of BILOU are `E` and `S` of IOBES.
  @Test func bilouIsIOBES() {
    let iobes = ["O", "B-x", "I-x", "E-x", "S-x"]
    let bilou = ["O", "B-x", "I-x", "L-x", "U-x"]
    let (actual, predicted) = ([[1, 2, 3, 4, 4, 0]], [[1, 3, 0, 4, 4, 4]])
    func values(_ names: [String]) -> [MetricResult] {
      TagMetrics(names: names).evaluate(
        [.entityF1, .tokenAccuracy], predicted: predicted, actual: actual)
    }
    #expect(values(iobes) == values(bilou))
    #expect(values(iobes)[0].value == 2 * 2.0 / (4 + 3))
    #expect(values(iobes)[1].value == 0.5)
  }

  @Test func otherLabelsAreJudgedWordByWord() {
    let metrics = TagMetrics(names: ["ADJ", "NOUN", "VERB"])
    #expect(metrics.metrics == [.tokenAccuracy, .macroF1])
    let results = metrics.evaluate(
      metrics.metrics, predicted: [[0, 1], [2]], actual: [[0, 2], [2]])
    #expect(results[0].value == 2.0 / 3)
    #expect(TagMetrics(names: ["O", "B-x", "I-x"]).metrics.first == .entityF1)
  }
}
