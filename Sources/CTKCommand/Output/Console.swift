import CTKCore
import Foundation

/// The only writer to standard output and standard error.
enum Console {
  /// Writes a line to standard output.
  ///
  /// Where that fails the result reaches nobody, and the process ends with status 74: without
  /// a word when the reader has gone, as `head` does, with an error otherwise.
  static func writeOutput(_ line: String) {
    do {
      try Output.write(Array((line + "\n").utf8), to: STDOUT_FILENO, path: "standard output")
    } catch {
      UnfinishedOutputs.removeAll {
        if error.code != CoreErrorCode.outputClosed.rawValue { writeError(ErrorReport.text(error)) }
        exit(error.status.rawValue)
      }
    }
  }

  /// Writes text to standard error as it is; nothing can be done where that fails.
  static func writeError(_ text: String) {
    try? Output.write(Array(text.utf8), to: STDERR_FILENO, path: "standard error")
  }

  static var errorIsTerminal: Bool {
    isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }
}
