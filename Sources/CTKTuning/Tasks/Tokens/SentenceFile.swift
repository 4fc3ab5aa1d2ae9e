import CTKCore

/// A file in the CoNLL layout: a word and its columns on each line, an empty line after each
/// sentence.
///
/// Columns are separated by tabs where a line has one, by blanks otherwise; the first is the
/// word and the last its label. Lines of `-DOCSTART-` mark documents and are left out.
struct SentenceFile {
  /// The words of one sentence and their labels as the file spells them.
  struct Sentence {
    var words: [String] = []
    var labels: [String] = []
    var lines: [Int] = []
  }

  let path: String

  private static let documentStart = "-DOCSTART-"

  /// - Throws: `data.missing`, `data.empty`, `data.not-utf8`, `data.too-few-columns`, and those
  ///   of files.
  func sentences() throws(TuningError) -> [Sentence] {
    let file = DataFile(path: path, format: .tsv(hasHeader: false), columns: [])
    let mapped = try file.open()
    let sentences = try mapped.withBytes { (bytes) throws(TuningError) in
      try Self.sentences(in: bytes, file)
    }
    if sentences.isEmpty { throw file.emptyFailure(0) }
    return sentences
  }

  private static func sentences(
    in bytes: UnsafeRawBufferPointer, _ file: DataFile
  ) throws(TuningError) -> [Sentence] {
    var sentences: [Sentence] = []
    var current = Sentence()
    var lines = LineCursor(bytes, skipsEmptyLines: false)
    while let line = lines.next() {
      guard let text = String(validating: line, as: UTF8.self) else {
        throw file.failure(
          .dataNotUTF8, line: lines.number, "the line is not UTF-8",
          hint: "convert the file to UTF-8")
      }
      let columns = columns(of: text)
      if columns.isEmpty {
        if !current.words.isEmpty { sentences.append(current) }
        current = Sentence()
      } else if columns[0] != documentStart {
        guard columns.count >= 2 else {
          throw file.failure(
            .dataTooFewColumns, line: lines.number, "expected a word and its label, found '\(text)'"
          )
        }
        current.words.append(String(columns[0]))
        current.labels.append(String(columns[columns.count - 1]))
        current.lines.append(lines.number)
      }
    }
    if !current.words.isEmpty { sentences.append(current) }
    return sentences
  }

  private static func columns(of line: String) -> [Substring] {
    let separator: Character = line.contains("\t") ? "\t" : " "
    return line.split(separator: separator)
  }
}
