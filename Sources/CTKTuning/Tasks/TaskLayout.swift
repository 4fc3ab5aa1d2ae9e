/// How the public files of a task lay out its examples.
struct TaskLayout: Sendable {
  /// How rows come to be training or development examples.
  enum Splits: Sendable {
    case files
    /// Rows whose values in two columns are a line of the file develop, the others train;
    /// without the file all train and the dev file's rows develop.
    case pairList(file: String, columns: [Column])
    /// One file; a column says which rows train and which develop. A file without
    /// the column has no split, and all of its rows develop.
    case column(String, train: String, dev: String)
  }

  /// Evaluation rows in a file of their own.
  struct FurtherDev: Sendable {
    let name: String
    let file: String
  }

  /// A file of unlabelled rows, for the GLUE server.
  struct Test: Sendable {
    /// Name of the server's file for it, without suffix.
    let name: String
    let file: String
    /// Where the texts are, unless they are where they are in the labelled files.
    var text: [Column]?
    /// Whether it is read only where it is there.
    var isOptional = false
  }

  let trainFile: String
  let devFile: String
  /// Read where they are there.
  var furtherDev: [FurtherDev] = []
  var tests: [Test] = []
  var hasHeader = true
  /// One JSON object a line instead of a table.
  var isJSONLines = false
  /// One or two columns.
  let text: [Column]
  let label: Column
  var splits = Splits.files
  /// The files are known to have rows with too few columns.
  var hasMalformedRows = false
  /// A label that marks rows without agreement, which are left out.
  var absentLabel: String?
}
