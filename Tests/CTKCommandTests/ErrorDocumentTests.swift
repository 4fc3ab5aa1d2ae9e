import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// `formats/errors.md` against the codes that the sources declare.
@Suite struct ErrorDocumentTests {
  private static let repository = URL(filePath: Fixtures.root).deletingLastPathComponent()

  private static func listed() throws -> [String: Int32] {
    let text = try String(
      contentsOf: repository.appending(path: "formats/errors.md"), encoding: .utf8)
    var statuses: [String: Int32] = [:]
    for match in text.matches(of: /\| `([a-z0-9]+\.[a-z0-9-]+)` \| (\d+) \|/) {
      #expect(statuses.updateValue(Int32(match.2) ?? -1, forKey: String(match.1)) == nil)
    }
    return statuses
  }

  private static func declared() throws -> Set<String> {
    let folder = repository.appending(path: "Sources")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var codes: Set<String> = []
    for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      guard text.contains("FailureCode {") else { continue }
      for match in text.matches(of: /case \w+ = "([a-z0-9]+\.[a-z0-9-]+)"/) {
        codes.insert(String(match.1))
      }
    }
    return codes
  }

  @Test func everyCodeIsListedOnceAndNoOther() throws {
    let declared = try Self.declared()
    #expect(declared.count > 90)
    #expect(Set(try Self.listed().keys) == declared)
  }

  @Test func statusesAreThoseOfTheCodes() throws {
    for (code, status) in try Self.listed() {
      let known =
        CoreErrorCode(rawValue: code)?.status ?? PatchErrorCode(rawValue: code)?.status
        ?? SafetensorsErrorCode(rawValue: code)?.status
      if let known { #expect(known.rawValue == status, "\(code)") }
    }
  }
}
