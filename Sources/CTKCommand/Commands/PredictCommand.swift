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

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var length: LengthOption

  @Option(help: "Write the last layer's hidden states as safetensors, one tensor an input.")
  var hiddenStates: String?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var computing: ComputeOptions

  func perform(_ reporter: Reporter) throws {
    if let hiddenStates { try OutputPath.require(freeFile: hiddenStates, force) }
    let patched = try PatchedCheckpoint(base: base, patch: patch, masks: try masks.read())
    let labels = try patched.headLabels(isRegression: false)
    let model = try TaskModel.load(
      TaskBase(patched.base), weights: patched.weights, headKind: patched.headKind, labels: labels,
      seed: nil)
    let inputs = try InputLines.read(arguments: texts, path: input)
    let encoder = InputEncoder(model: model, maxLength: length.maxLength)
    let dataset = try encoder.dataset(inputs)
    let cut = encoder.cutCount(inputs, dataset)
    if cut > 0 {
      reporter.note("\(cut) of \(inputs.count) texts were cut to \(encoder.bound) tokens")
    }
    var states: [Int: [Float]] = [:]
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: computing.compute)
    // Always with hidden states, so that asking for them changes no digit of a prediction.
    let logits = try evaluator.run(dataset, progress: reporter.progress) { example, rows in
      if hiddenStates != nil { states[example] = rows.array() }
    }
    if let hiddenStates {
      try write(states, width: model.network.configuration.hiddenSize, to: hiddenStates)
    }
    let prediction = PredictionFields(labels: labels)
    for (example, row) in logits.enumerated() {
      reporter.line(
        schema: "ctk-predict/1",
        prediction.fields(row, input: inputs[example], of: dataset, example: example))
    }
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
