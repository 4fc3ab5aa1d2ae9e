import CTKCore

/// The shape of errors, for people and for scripts.
enum ErrorReport {
  /// `{"error": {...}}` as CLI users rely on it.
  static func json(
    code: String, message: String, path: String? = nil, hint: String? = nil
  ) -> String {
    let fields: JSONValue = [
      "code": .string(code), "message": .string(message),
      "path": path.map { .string($0) } ?? .null, "hint": hint.map { .string($0) } ?? .null,
    ]
    let report: JSONValue = ["error": fields]
    return report.compactText
  }

  static func json(_ error: any Diagnosable) -> String {
    json(code: error.code, message: error.message, path: error.path, hint: error.hint)
  }

  static func text(_ error: any Diagnosable) -> String {
    var lines = "ctk: error: \(error.message) [\(error.code)]\n"
    if let path = error.path { lines += "  in \(path)\n" }
    if let hint = error.hint { lines += "  hint: \(hint)\n" }
    return lines
  }
}
