package import CTKCore

/// The events of a run, one JSON object a line, appended as they happen.
package final class RunLog {
  private let path: String
  private var pending: [UInt8] = []
  /// Events of earlier sessions that stay in the log.
  package let keptEvents: [JSONValue]

  /// Continues a log, forgetting events after `lastStep`: the resumed run will repeat them.
  package init(path: String, keepingThrough lastStep: Int) throws(TuningError) {
    self.path = path
    var kept = ""
    var events: [JSONValue] = []
    if lastStep > 0, Folder.fileExists(path) {
      let bytes = try TuningError.wrap { () throws(CoreError) in try readSmallFile(path) }
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        guard let event = try? JSONParser.parse(Array(line.utf8)) else { break }
        guard let step = event["step"]?.intValue, step <= lastStep else { continue }
        kept += line + "\n"
        events.append(event)
      }
    }
    keptEvents = events
    try TuningError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path, replacesExisting: true)
      try file.write(kept)
      try file.commit()
    }
  }

  package func append(_ event: JSONValue) {
    pending += Array((event.compactText + "\n").utf8)
  }

  /// Writes what has been appended since the last flush.
  package func flush() throws(TuningError) {
    if pending.isEmpty { return }
    try TuningError.wrap { () throws(CoreError) in try Output.append(pending, to: path) }
    pending = []
  }
}
