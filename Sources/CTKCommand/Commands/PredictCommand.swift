import ArgumentParser
import CTKCore
import CTKModel
import CTKSafetensors
import CTKTensor
import CTKText
import CTKTuning
import Foundation

struct PredictCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict labels or scores for texts, one JSON object a line.",
    discussion: """
      Examples:
        ctk predict --base tuned "a text" "another"
        ctk predict --base base --patch mrpc.ctkpatch --input pairs.tsv
        echo '{"text": "a", "text_pair": "b"}' | ctk predict --base tuned
      """)

  @Option(help: "Checkpoint to predict with, or the base of the patch.")
  var base: String

  @Option(help: "Patch to put on the base in memory.")
  var patch: String?

  @Argument(help: "Texts; a tab separates the two of a pair.")
  var texts: [String] = []

  @Option(help: "File of lines, pairs or JSON Lines; - reads standard input.")
  var input: String?

  @OptionGroup var length: LengthOption

  @Option(help: "Write the last layer's hidden states as safetensors, one tensor an input.")
  var hiddenStates: String?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    if let hiddenStates { try OutputPath.require(freeFile: hiddenStates, force) }
    let patched = try PatchedCheckpoint(base: base, patch: patch)
    let labels = try patched.headLabels(isRegression: false)
    let model = try TaskModel.load(
      patched.base, weights: patched.weights, labels: labels, seed: nil)
    let inputs = try InputLines.read(arguments: texts, path: input)
    let dataset = TokenizedDataset(inputs.map { encode($0, model) }, targets: nil)
    noteCutTexts(inputs, dataset, model, reporter)
    var states: [Int: [Float]] = [:]
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: threads.compute)
    let logits = try evaluator.run(dataset, progress: reporter.progress) { example, rows in
      if hiddenStates != nil { states[example] = rows.array() }
    }
    if let hiddenStates {
      try write(states, width: model.network.configuration.hiddenSize, to: hiddenStates)
    }
    for row in logits { reporter.line(schema: "ctk-predict/1", fields(row, labels)) }
  }

  private func encode(_ input: TextInput, _ model: TaskModel) -> Encoding {
    switch input {
    case .text(let text, let pair):
      return model.tokenizer.encode(text, pair: pair, maxLength: bound(model))
    case .tokens(let ids, let types):
      return Encoding(inputIDs: ids, tokenTypeIDs: types)
    }
  }

  private func bound(_ model: TaskModel) -> Int {
    min(length.maxLength, model.network.configuration.lengthLimit ?? length.maxLength)
  }

  /// Tells how many texts lost their ends; only those at the bound can have.
  private func noteCutTexts(
    _ inputs: [TextInput], _ dataset: TokenizedDataset, _ model: TaskModel, _ reporter: Reporter
  ) {
    let bound = bound(model)
    let cut = inputs.indices.count { index in
      guard dataset.length(index) == bound, case .text(let text, let pair) = inputs[index] else {
        return false
      }
      return model.tokenizer.encode(text, pair: pair, maxLength: nil).inputIDs.count > bound
    }
    if cut > 0 { reporter.note("\(cut) of \(inputs.count) texts were cut to \(bound) tokens") }
  }

  private func fields(_ logits: [Float], _ labels: LabelSpace) -> JSONObject {
    var fields = JSONObject(["logits": .array(logits.map { .real(Double($0)) })])
    switch labels {
    case .score:
      fields["score"] = .real(Double(logits[0]))
    case .classes(let names):
      let largest = Double(logits.max() ?? 0)
      let weights = logits.map { exp(Double($0) - largest) }
      let total = weights.reduce(0, +)
      let best = logits.indices.max { (logits[$0], $1) < (logits[$1], $0) } ?? 0
      fields["label"] = .string(names[best])
      fields["probabilities"] = .array(weights.map { .real($0 / total) })
    }
    return fields
  }

  private func write(_ states: [Int: [Float]], width: Int, to path: String) throws {
    var infos: [TensorInfo] = []
    for (example, rows) in states {
      infos.append(
        try TensorInfo(
          name: "hidden_states.\(example)", dtype: .f32, shape: [rows.count / width, width]))
    }
    var writer = try SafetensorsWriter(
      path: path, tensors: infos, metadata: ["format": "pt"], replacesExisting: force.force)
    for info in writer.order {
      let rows = Int(info.name.dropFirst("hidden_states.".count)).flatMap { states[$0] } ?? []
      try rows.withUnsafeBytes { try writer.write($0) }
    }
    try writer.commit()
  }
}
