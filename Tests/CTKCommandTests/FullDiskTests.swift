import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// Outputs that do not fit: an error with status 74, and neither an output nor a rest of one.
@Suite(.tags(.cli, .hostile))
struct FullDiskTests {
  /// Commands that write more than the few kilobytes there are, `OUT` being the place.
  private static let commands = [
    "import", "export", "finetune", "mask", "export-delta", "apply", "predict",
  ]

  /// A bench with everything the commands read.
  private func prepared() throws -> Workbench {
    let bench = try Workbench()
    _ = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe
        + ["--method", "vanilla", "--output", bench.path("run")])
    _ = try bench.json(
      ["export-delta"] + bench.base
        + ["--run", bench.path("run"), "--output", bench.path("p.ctkpatch")])
    return bench
  }

  private func arguments(_ bench: Workbench, _ command: String, _ output: String) -> [String] {
    let base = bench.base
    switch command {
    case "import": return [command, Fixtures.path("checkpoints/bert/pt"), "--output", output]
    case "export":
      let model = Fixtures.path("checkpoints/bert/pt")
      return [command, "--model", model, "--to", "h5", "--output", output]
    case "finetune": return [command] + base + bench.task + bench.recipe + ["--output", output]
    case "mask":
      return [command] + base + bench.task + ["--output", output + ".mask"]
        + ["--scores-output", output]
    case "export-delta":
      return [command] + base + ["--run", bench.path("run"), "--output", output]
    case "apply":
      return [command] + base + ["--patch", bench.path("p.ctkpatch"), "--output", output]
    default:
      let texts = (0..<99).map { "the license of this work number \($0)" }
      return [command] + base + ["--patch", bench.path("p.ctkpatch"), "--hidden-states", output]
        + texts
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "mounting a small file system needs privileges"))
  func aFullDisk() throws {
    let bench = try prepared()
    let disk = try #require(SmallDisk(at: bench.path("disk")))
    defer { disk.unmount() }
    for command in Self.commands {
      let output = disk.path + "/out"
      let full = try bench.failure(arguments(bench, command, output))
      #expect(full == (74, "output.disk-full"), "\(command)")
      #expect(!Folder.exists(output) && !Folder.fileExists(output), "\(command)")
      let left = try FileManager.default.contentsOfDirectory(atPath: disk.path)
      #expect(left.filter { $0 != "out.mask" }.isEmpty, "\(command): \(left)")
      Folder.removeTree(output + ".mask")
    }
  }

  /// The same where the system bounds the size of a file, which needs no privileges.
  @Test(arguments: commands)
  func aFileOverItsLimit(_ command: String) throws {
    let bench = try prepared()
    let run = try CommandLineTool.shell(
      #"ulimit -f 8; exec "$CTK" "$@" --json"#,
      arguments(bench, command, bench.path("out")))
    #expect(run.status == 74, "\(run.output) \(run.errors)")
    #expect(
      try run.jsonLines.last?["error"]?["code"]?.stringValue == "output.write-failed",
      "\(run.output)")
    #expect(bench.folder.names.allSatisfy { !$0.hasPrefix("out") || $0 == "out.mask" })
  }
}

/// A file system of sixteen kilobytes.
private struct SmallDisk {
  let path: String

  static let isAvailable: Bool = {
    guard let disk = SmallDisk(at: TemporaryFolder().file("probe")) else { return false }
    disk.unmount()
    return true
  }()

  init?(at path: String) {
    self.path = path
    guard (try? Folder.create(path)) != nil,
      Self.run("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", path])
    else { return nil }
  }

  func unmount() { _ = Self.run("umount", [path]) }

  private static func run(_ command: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [command] + arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
