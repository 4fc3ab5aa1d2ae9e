import Foundation

/// What a run of a command cost, as the system and the command itself tell it.
struct Measurement {
  /// Values by figure; a figure that the command does not tell is absent.
  private(set) var values: [Figure: Double]

  /// Runs a shell command to its end.
  ///
  /// The shell's usage counts every process it waited for: processor time as their sum,
  /// peak memory as that of the largest.
  init(of command: String) throws(CommandFailure) {
    let output = FileManager.default.temporaryDirectory
      .appendingPathComponent("compare-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: output) }
    let start = DispatchTime.now().uptimeNanoseconds
    let child = try Self.start(command, output: output.path)
    var (status, usage) = (Int32(0), rusage())
    while wait4(child, &status, 0, &usage) < 0 {
      guard errno == EINTR else { throw CommandFailure(text: "cannot wait for: \(command)") }
    }
    let wall = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    guard status == 0 else {
      throw CommandFailure(text: "wait status \(status): \(command)")
    }
    values = [
      .wallSeconds: wall,
      .processorSeconds: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
      .peakBytes: Double(usage.ru_maxrss) * Self.residentUnit,
    ]
    values.merge(Self.told(in: output)) { measured, _ in measured }
  }

  /// Bytes in a unit of `ru_maxrss`.
  #if canImport(Darwin)
  private static let residentUnit = 1.0
  #else
  private static let residentUnit = 1024.0
  #endif

  /// Standard error stays the terminal's, so a failing command explains itself.
  private static func start(_ command: String, output: String) throws(CommandFailure) -> pid_t {
    #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    #else
    var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    let words: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", "-c", command].map { (word: String) in
      strdup(word)
    }
    defer { for word in words { free(word) } }
    var child = pid_t()
    guard posix_spawn(&child, "/bin/sh", &actions, nil, words + [nil], environ) == 0 else {
      throw CommandFailure(text: "cannot start: \(command)")
    }
    return child
  }

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }

  /// The figures in the one JSON object that a command prints, if it prints one.
  private static func told(in file: URL) -> [Figure: Double] {
    guard let data = try? Data(contentsOf: file),
      let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { return [:] }
    var values: [Figure: Double] = [:]
    for figure in Figure.allCases {
      for key in figure.keys {
        if let value = object[key] as? NSNumber { values[figure] = value.doubleValue }
      }
    }
    return values
  }
}

/// A command that did not run to a good end.
struct CommandFailure: Error {
  let text: String
}
