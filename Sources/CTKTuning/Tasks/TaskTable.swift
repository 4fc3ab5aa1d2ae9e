/// The public tasks; class ids follow the Hugging Face data sets.
extension TaskDefinition {
  package static let all: [TaskDefinition] = [
    TaskDefinition(
      name: "cola", classes: ["unacceptable", "acceptable"], fileTexts: ["0", "1"],
      metrics: [.matthews],
      layouts: [
        TaskLayout(
          trainFile: "train.tsv", devFile: "dev.tsv",
          tests: [TaskLayout.Test(name: "CoLA", file: "test.tsv", text: [.named("sentence")])],
          hasHeader: false, text: [.at(3)], label: .at(1))
      ]),
    TaskDefinition(
      name: "sst2", classes: ["negative", "positive"], fileTexts: ["0", "1"],
      metrics: [.accuracy], layouts: [glue("SST-2", text: ["sentence"])]),
    TaskDefinition(
      name: "mrpc", classes: ["not_equivalent", "equivalent"], fileTexts: ["0", "1"],
      metrics: [.accuracy, .f1], layouts: mrpcLayouts),
    TaskDefinition(
      name: "stsb", labels: .score, metrics: [.pearson, .spearman], fileTexts: [],
      layouts: [glue("STS-B", text: ["sentence1", "sentence2"], label: "score")]),
    TaskDefinition(
      name: "qqp", classes: ["not_duplicate", "duplicate"], fileTexts: ["0", "1"],
      metrics: [.accuracy, .f1],
      layouts: [
        glue(
          "QQP", text: ["question1", "question2"], label: "is_duplicate", hasMalformedRows: true)
      ]),
    TaskDefinition(
      name: "mnli", classes: inference, metrics: [.accuracy],
      layouts: [
        TaskLayout(
          trainFile: "train.tsv", devFile: "dev_matched.tsv",
          furtherDev: [TaskLayout.FurtherDev(name: "mm", file: "dev_mismatched.tsv")],
          tests: [
            TaskLayout.Test(name: "MNLI-m", file: "test_matched.tsv"),
            TaskLayout.Test(name: "MNLI-mm", file: "test_mismatched.tsv"),
            // The diagnostic set, which models of this task are asked for.
            TaskLayout.Test(name: "AX", file: "AX.tsv", isOptional: true),
          ],
          text: [.named("sentence1"), .named("sentence2")], label: .named("gold_label"),
          hasMalformedRows: true, absentLabel: "-")
      ]),
    TaskDefinition(
      name: "qnli", classes: ["entailment", "not_entailment"], metrics: [.accuracy],
      layouts: [glue("QNLI", text: ["question", "sentence"])]),
    TaskDefinition(
      name: "rte", classes: ["entailment", "not_entailment"], metrics: [.accuracy],
      layouts: [glue("RTE", text: ["sentence1", "sentence2"])]),
    TaskDefinition(
      name: "wnli", classes: ["not_entailment", "entailment"], fileTexts: ["0", "1"],
      metrics: [.accuracy], layouts: [glue("WNLI", text: ["sentence1", "sentence2"])]),
    TaskDefinition(
      name: "snli", classes: inference, metrics: [.accuracy],
      layouts: [snliLayout(".txt"), snliLayout(".jsonl", isJSONLines: true)]),
    TaskDefinition(
      name: "sick", classes: inference, fileTexts: inference.map { $0.uppercased() },
      metrics: [.accuracy], layouts: [sickLayout]),
    TaskDefinition(
      name: "scitail", classes: ["entails", "neutral"], metrics: [.accuracy],
      layouts: [scitailLayout(""), scitailLayout("tsv_format/")]),
  ]

  private static let inference = ["entailment", "neutral", "contradiction"]

  /// The raw files keep their own names; their development rows are listed apart.
  private static let mrpcLayouts: [TaskLayout] = {
    let text: [Column] = [.named("#1 String"), .named("#2 String")]
    return [
      TaskLayout(
        trainFile: "train.tsv", devFile: "dev.tsv",
        tests: [TaskLayout.Test(name: "MRPC", file: "test.tsv")], text: text,
        label: .named("Quality")),
      TaskLayout(
        trainFile: "msr_paraphrase_train.txt", devFile: "msr_paraphrase_test.txt",
        tests: [TaskLayout.Test(name: "MRPC", file: "msr_paraphrase_test.txt")], text: text,
        label: .named("Quality"),
        splits: .pairList(
          file: "mrpc_dev_ids.tsv", columns: [.named("#1 ID"), .named("#2 ID")])),
    ]
  }()

  /// Two published forms share a file name; only one of them has splits.
  private static let sickLayout = TaskLayout(
    trainFile: "SICK.txt", devFile: "SICK.txt",
    text: [.named("sentence_A"), .named("sentence_B")],
    label: .oneOf(["entailment_label", "entailment_judgment"]),
    splits: .column("SemEval_set", train: "TRAIN", dev: "TRIAL"))

  private static func snliLayout(_ suffix: String, isJSONLines: Bool = false) -> TaskLayout {
    TaskLayout(
      trainFile: "snli_1.0_train" + suffix, devFile: "snli_1.0_dev" + suffix,
      isJSONLines: isJSONLines, text: [.named("sentence1"), .named("sentence2")],
      label: .named("gold_label"), absentLabel: "-")
  }

  private static func scitailLayout(_ folder: String) -> TaskLayout {
    TaskLayout(
      trainFile: folder + "scitail_1.0_train.tsv", devFile: folder + "scitail_1.0_dev.tsv",
      hasHeader: false, text: [.at(0), .at(1)], label: .at(2))
  }

  /// - Parameter name: of the GLUE server's file.
  private static func glue(
    _ name: String, text: [String], label: String = "label", hasMalformedRows: Bool = false
  ) -> TaskLayout {
    TaskLayout(
      trainFile: "train.tsv", devFile: "dev.tsv",
      tests: [TaskLayout.Test(name: name, file: "test.tsv")], text: text.map { .named($0) },
      label: .named(label), hasMalformedRows: hasMalformedRows)
  }

  /// - Parameter fileTexts: what stands for the classes in the files, unless it is their names.
  private init(
    name: String, classes: [String], fileTexts: [String]? = nil, metrics: [Metric],
    layouts: [TaskLayout]
  ) {
    self.init(
      name: name, labels: .classes(classes), metrics: metrics, fileTexts: fileTexts ?? classes,
      layouts: layouts)
  }
}
