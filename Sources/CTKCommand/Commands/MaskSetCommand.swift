import ArgumentParser
import CTKCore
import CTKPatch

struct MaskSetCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "mask-set",
    abstract: "Combine masks of one base: union, intersection, difference or complement.",
    discussion: """
      union keeps the weights in any of the masks, intersection those in all of them, \
      difference those of the first in none of the others, and complement the scored weights \
      in none of them.

      Examples:
        ctk mask-set union mrpc.ctkmask rte.ctkmask --output both.ctkmask
        ctk mask-set difference mrpc.ctkmask rte.ctkmask --output only-mrpc.ctkmask
        ctk mask-set complement mrpc.ctkmask --output rest.ctkmask
      """)

  @Argument(help: "union, intersection, difference or complement.")
  var operation: String

  @Argument(help: "Masks of one base; at least two, except for complement.")
  var masks: [String]

  @Option(name: [.customShort("o"), .customLong("output")], help: "Mask file to write.")
  var destination: String

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    let operation: ParameterMask.SetOperation = try choice("the operation", operation)
    if operation != .complement && masks.count < 2 {
      throw ValidationError("\(operation.rawValue) needs at least two masks")
    }
  }

  func perform(_ reporter: Reporter) throws {
    let operation: ParameterMask.SetOperation = try choice("the operation", operation)
    try OutputPath.require(freeFile: destination, force)
    let parts = try masks.map { try ParameterMask(path: $0) }
    let mask = try ParameterMask.combine(
      parts, operation,
      provenance: Provenance(
        task: Set(parts.map(\.provenance.task)).count == 1 ? parts[0].provenance.task : nil,
        hyperparameters: JSONObject([
          "operation": .string(operation.rawValue),
          "masks": .array(parts.map { .string($0.digest.hex) }),
        ]), tool: Version.text))
    try mask.write(to: destination, replacesExisting: force.force)
    reporter.finish(schema: "ctk-mask-set/1", mask.json, text: MaskText.table(mask))
  }
}
