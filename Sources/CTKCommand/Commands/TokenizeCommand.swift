import ArgumentParser
import CTKCore
import CTKText

struct TokenizeCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Show texts as token ids, one JSON object a line.",
    discussion: """
      Examples:
        ctk tokenize --base base "a text" "another"
        ctk tokenize --base base --input pairs.tsv --max-length 64
        ctk tokenize --base base --input pairs.tsv --summary
      """)

  @Option(help: "Checkpoint with the tokenizer.")
  var base: String

  @Argument(help: "Texts; a tab separates the two of a pair.")
  var texts: [String] = []

  @Option(help: "File of lines, pairs or JSON Lines; - reads standard input.")
  var input: String?

  @Option(help: "Longest input in tokens; longer texts are cut (default: no bound).")
  var maxLength: Int?

  @Flag(help: "Tell how many tokens there are and how fast they came, not which.")
  var summary = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if let maxLength, maxLength < 2 { throw ValidationError("--max-length must be at least 2") }
  }

  func perform(_ reporter: Reporter) throws {
    let tokenizer = try TokenizerFolder.load(base)
    let inputs = try InputLines.read(arguments: texts, path: input)
    if summary { return summarize(inputs, tokenizer, reporter) }
    for input in inputs {
      let encoding = encode(input, tokenizer)
      reporter.line(
        schema: "ctk-tokenize/1",
        JSONObject([
          "input_ids": .array(encoding.inputIDs.map { .integer(Int($0)) }),
          "token_type_ids": .array(encoding.tokenTypeIDs.map { .integer(Int($0)) }),
        ]))
    }
  }

  private func summarize(
    _ inputs: [TextInput], _ tokenizer: any Tokenizer, _ reporter: Reporter
  ) {
    let start = reporter.seconds
    let encodings = inputs.map { encode($0, tokenizer) }
    let summary = TokenizationSummary(encodings, seconds: reporter.seconds - start)
    reporter.finish(schema: "ctk-tokenize-summary/1", summary.json, text: summary.text)
  }

  private func encode(_ input: TextInput, _ tokenizer: any Tokenizer) -> Encoding {
    switch input {
    case .text(let text, let pair): tokenizer.encode(text, pair: pair, maxLength: maxLength)
    case .tokens(let ids, let types): Encoding(inputIDs: ids, tokenTypeIDs: types)
    }
  }
}
