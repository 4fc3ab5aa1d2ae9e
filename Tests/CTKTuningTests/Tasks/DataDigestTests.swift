import CTKCore
import CTKTestSupport
import CTKTuning
import Testing

/// The data digest of `formats/run.md`.
@Suite(.tags(.format))
struct DataDigestTests {
  private func data(
    _ train: [Example], dev: [Example] = [], further: [EvaluationSet] = []
  ) -> TaskData {
    TaskData(train: train, dev: dev, furtherDev: further, labels: .classes(["a"]), skippedRows: 0)
  }

  /// The digest was formed with Python's hashlib.
  @Test func everyKindOfExampleHasItsForm() {
    let data = data(
      [
        Example(text: "one é", pair: "", label: .classID(2)),
        Example(text: "two", pair: nil, label: .score(2.5)),
      ],
      dev: [Example(words: ["a", "b c"], tags: [0, 1])],
      further: [
        EvaluationSet(
          name: "mismatched", examples: [Example(text: "x", pair: nil, label: .none)])
      ])
    #expect(
      data.digest.hex == "19aaa0257a1a0587ae5b75db2cb347abf66c1346609e1516e0b344d34caef1c2")
  }

  @Test func neighboursAreKeptApart() {
    let sets = [
      data([Example(text: "a", pair: "b", label: .classID(1))]),
      data([Example(text: "ab", pair: nil, label: .classID(1))]),
      data([Example(text: "a1:b", pair: nil, label: .classID(1))]),
      data([Example(text: "a", pair: "b", label: .classID(11))]),
      data([Example(text: "a", pair: "b", label: .score(1))]),
      data([Example(text: "a", pair: "b", label: .none)]),
      data([], dev: [Example(text: "a", pair: "b", label: .classID(1))]),
      data([Example(words: ["a", "b c"], tags: [1, 0])]),
      data([Example(words: ["a b", "c"], tags: [1, 0])]),
      data([Example(words: ["a", "b c"], tags: [0, 1])]),
    ]
    #expect(Set(sets.map(\.digest.hex)).count == sets.count)
  }
}
