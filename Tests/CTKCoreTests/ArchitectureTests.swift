import CTKTestSupport
import Foundation
import Testing

/// The arrows of docs/architecture.md against what the sources import.
@Suite struct ArchitectureTests {
  private static let repository = URL(filePath: Fixtures.root).deletingLastPathComponent()

  /// Module to the modules it may import, from the document's table.
  private static func allowed() throws -> [String: Set<String>] {
    let text = try String(
      contentsOf: repository.appending(path: "docs/architecture.md"), encoding: .utf8)
    var table: [String: Set<String>] = [:]
    for row in text.matches(of: /\| `(C\w+)` \| ([^|]*) \|/) {
      table[String(row.1)] = Set(row.2.matches(of: /`(C\w+)`/).map { String($0.1) })
    }
    return table
  }

  private static func sources(of module: String) throws -> [(name: String, text: String)] {
    let folder = repository.appending(path: "Sources/\(module)")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return try (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }.map {
      ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
    }
  }

  @Test func importsFollowTheTable() throws {
    let table = try Self.allowed()
    #expect(table.count >= 10)
    for (module, allowed) in table {
      for file in try Self.sources(of: module) {
        for match in file.text.matches(
          of: /(?m)^(?:\w+ )?import (C(?:TK\w+|HDF5|Zlib|OpenBLAS|Kernels|PatchCoder))$/)
        {
          #expect(allowed.contains(String(match.1)), "\(module)/\(file.name) imports \(match.1)")
        }
      }
    }
  }

  @Test func everyModuleIsInTheTable() throws {
    let modules = try FileManager.default.contentsOfDirectory(
      atPath: Self.repository.appending(path: "Sources").path())
    let table = try Self.allowed()
    for module in modules where module.hasPrefix("CTK") {
      #expect(table[module] != nil, "\(module)")
    }
  }

  /// What runs in deployment needs no numeric libraries, however far one follows the arrows.
  @Test(arguments: ["CTKPatch", "CTKPatchInterface"])
  func deploymentNeedsNoNumericLibraries(_ module: String) throws {
    let table = try Self.allowed()
    var (reached, open) = (Set([module]), [module])
    while let next = open.popLast() {
      for other in table[next] ?? [] where reached.insert(other).inserted { open.append(other) }
    }
    #expect(reached.isDisjoint(with: ["COpenBLAS", "CHDF5", "CKernels", "CTKTensor"]))
    #expect(reached.contains("CPatchCoder"))
  }

  /// Deployment code builds on Apple platforms too.
  @Test(arguments: ["CTKCore", "CTKSafetensors", "CTKPatch"])
  func systemModulesAreConditional(_ module: String) throws {
    for file in try Self.sources(of: module) where file.text.contains("import Glibc") {
      #expect(file.text.contains("#if canImport(Glibc)"), "\(file.name)")
      #expect(file.text.contains("canImport(Darwin)"), "\(file.name)")
    }
  }

  /// Only the command line prints, reads the environment or ends the process.
  @Test func librariesAreSilent() throws {
    for module in try Self.allowed().keys where module != "CTKCommand" {
      for file in try Self.sources(of: module) {
        let loud = file.text.firstMatch(
          of: /\bprint\(|FileHandle\.standard|ProcessInfo\.processInfo\.environment|\bexit\(/)
        #expect(loud == nil, "\(module)/\(file.name)")
      }
    }
  }
}

/// The fixtures are the ones their list names, and stay small.
@Suite struct FixtureTests {
  @Test func everyFixtureStaysUnderTheLimitTogether() throws {
    let root = URL(filePath: Fixtures.root)
    let keys: Set<URLResourceKey> = [.fileSizeKey, .isRegularFileKey]
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: Array(keys))
    var total = 0
    for case let file as URL in files ?? .init() {
      let values = try file.resourceValues(forKeys: keys)
      if values.isRegularFile == true { total += values.fileSize ?? 0 }
    }
    #expect(total > 1_000_000 && total < 16_000_000)
  }

  @Test func digestsAreAsListed() throws {
    let list = try String(contentsOfFile: Fixtures.path("SHA256SUMS"), encoding: .utf8)
    let rows = list.split(separator: "\n")
    #expect(rows.count > 300)
    for row in rows {
      let parts = row.split(separator: " ", maxSplits: 1)
      let path = parts[1].trimmingCharacters(in: .whitespaces)
      let digest = try FixtureDigest.of(Fixtures.path(path))
      #expect(digest == parts[0], "\(path)")
    }
  }
}
