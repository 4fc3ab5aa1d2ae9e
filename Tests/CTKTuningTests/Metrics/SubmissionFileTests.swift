import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.format))
struct SubmissionFileTests {
  @Test func classesAreNames() throws {
    let text = SubmissionFile.text(
      task: try TaskDefinition.named("rte"), logits: [[1, 0], [0, 1], [2, 2]])
    #expect(text == "index\tprediction\n0\tentailment\n1\tnot_entailment\n2\tentailment\n")
  }

  /// The server reads the classes as the task's own files spell them.
  @Test(arguments: [
    ("cola", "1"), ("sst2", "1"), ("mrpc", "1"), ("qqp", "1"), ("wnli", "1"),
    ("qnli", "not_entailment"), ("mnli", "neutral"),
  ])
  func classesAreSpelledAsInTheFiles(_ task: String, _ expected: String) throws {
    let text = SubmissionFile.text(task: try TaskDefinition.named(task), logits: [[0, 1]])
    #expect(text == "index\tprediction\n0\t\(expected)\n")
  }

  /// As `%.3f` prints: 0.0625 and 0.1875 are ties and go to the even digit.
  @Test(
    arguments: [
      (3.14159, "3.142"), (0, "0.000"), (5.2, "5.200"), (-0.25, "-0.250"), (0.0625, "0.062"),
      (0.1875, "0.188"), (-1.0006, "-1.001"), (0.9996, "1.000"), (123456, "123456.000"),
    ] as [(Float, String)])
  func scoresHaveThreeDecimals(_ score: Float, _ expected: String) throws {
    let text = SubmissionFile.text(task: try TaskDefinition.named("stsb"), logits: [[score]])
    #expect(text == "index\tprediction\n0\t\(expected)\n")
  }
}
