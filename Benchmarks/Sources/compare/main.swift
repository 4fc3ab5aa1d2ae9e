// Runs two commands in turn and compares what they cost.
import Foundation

/// What one finished run used.
struct Usage {
  let wall: Double
  let processor: Double
  let peakBytes: Double
}

/// Runs a shell command with its output discarded.
func measure(_ command: String) throws -> Usage {
  let start = DispatchTime.now().uptimeNanoseconds
  var child = pid_t()
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for descriptor: Int32 in [1, 2] {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
  }
  let words = ["/bin/sh", "-c", "exec \(command)"]
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
  defer { for argument in arguments { free(argument) } }
  guard posix_spawn(&child, "/bin/sh", &actions, nil, &arguments, environ) == 0 else {
    throw Failure(text: "cannot start: \(command)")
  }
  var status: Int32 = 0
  var usage = rusage()
  wait4(child, &status, 0, &usage)
  guard status == 0 else { throw Failure(text: "status \(status): \(command)") }
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return Usage(
    wall: Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9,
    processor: seconds(usage.ru_utime) + seconds(usage.ru_stime),
    peakBytes: Double(usage.ru_maxrss) * 1024)
}

struct Failure: Error, CustomStringConvertible {
  let text: String
  var description: String { text }
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted[sorted.count / 2]
}

func option(_ name: String) -> String? {
  guard let place = CommandLine.arguments.firstIndex(of: name) else { return nil }
  return CommandLine.arguments.dropFirst(place + 1).first
}

guard let first = option("--a"), let second = option("--b") else {
  FileHandle.standardError.write(Data("usage: compare [--rounds N] --a COMMAND --b COMMAND\n".utf8))
  exit(64)
}
var runs: [[Usage]] = [[], []]
for _ in 0..<max(1, Int(option("--rounds") ?? "3") ?? 3) {
  for (side, command) in [first, second].enumerated() { runs[side].append(try measure(command)) }
}
print("| figure | A | B | A/B |\n| --- | --- | --- | --- |")
for (title, figure) in [
  ("wall s", \Usage.wall), ("processor s", \Usage.processor), ("peak MB", \Usage.peakBytes),
] {
  let scale = title == "peak MB" ? 1e-6 : 1
  let values = runs.map { median($0.map { $0[keyPath: figure] }) * scale }
  let row = [values[0], values[1], values[0] / values[1]].map { String(format: "%.3f", $0) }
  print("| \(title) | \(row.joined(separator: " | ")) |")
}
