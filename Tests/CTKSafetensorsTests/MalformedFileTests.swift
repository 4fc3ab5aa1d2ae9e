import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// One file of `fixtures/checkpoints/malformed/safetensors` and what the reference reader does.
struct MalformedFile: Sendable, CustomTestStringConvertible {
  let name: String
  let expectation: JSONValue

  var testDescription: String { name }
  var path: String { Fixtures.path("checkpoints/malformed/safetensors/" + name) }
  var isAccepted: Bool { expectation["expect"]?.stringValue == "accept" }
  /// Whether the listing allows a strict reader to refuse what the reference accepts.
  var mayBeRefused: Bool { expectation["advice"]?.stringValue?.contains("refus") ?? false }

  static let all: [MalformedFile] = {
    let path = Fixtures.path("checkpoints/malformed/expected.json")
    let listing = try? JSONParser.parseFile(path)["safetensors"]?.objectValue
    return (listing?.members ?? []).map { MalformedFile(name: $0.key, expectation: $0.value) }
  }()
}

@Suite("Malformed files", .tags(.format, .hostile))
struct MalformedFileTests {
  @Test func listingIsComplete() throws {
    let folder = Fixtures.path("checkpoints/malformed/safetensors")
    #expect(try Folder.names(in: folder) == MalformedFile.all.map(\.name).sorted(by: utf8Precedes))
  }

  @Test(
    "Rejected with the code of the broken rule",
    arguments: MalformedFile.all.filter { !$0.isAccepted })
  func rejected(_ file: MalformedFile) throws {
    let reference = try #require(file.expectation["error"]?.stringValue)
    let code = try #require(failureCode { _ = try SafetensorsFile(path: file.path) })
    #expect(Self.codes[reference]?.contains(code) == true, "\(reference) became \(code)")
  }

  @Test("Accepted with the listed tensors", arguments: MalformedFile.all.filter(\.isAccepted))
  func accepted(_ file: MalformedFile) throws {
    do {
      let opened = try SafetensorsFile(path: file.path)
      try Self.compare(opened, file.expectation)
    } catch let error as SafetensorsError {
      #expect(file.mayBeRefused, "\(error)")
    }
  }

  @Test(
    "Duplicate keys are refused",
    arguments: [
      "ok-duplicate-tensor-same-range", "ok-duplicate-metadata-key", "field-repeated",
      "metadata-repeated", "duplicate-tensor-other-range",
    ])
  func duplicatesRefused(_ name: String) {
    let path = Fixtures.path("checkpoints/malformed/safetensors/\(name).safetensors")
    #expect(failureCode { _ = try SafetensorsFile(path: path) } == "safetensors.duplicate-key")
  }

  private static func compare(_ opened: SafetensorsFile, _ expectation: JSONValue) throws {
    let expected = expectation["tensors"]?.objectValue ?? JSONObject()
    #expect(opened.tensors.map(\.name) == expected.keys.sorted(by: utf8Precedes))
    for (name, tensor) in expected.members {
      let info = try #require(opened.info(of: name))
      #expect(info.dtype.rawValue == tensor["dtype"]?.stringValue)
      let shape = (tensor["shape"]?.arrayValue ?? []).map { $0.intValue ?? Int.max }
      #expect(info.shape == shape)
      let data = try #require(Data(base64Encoded: tensor["data_base64"]?.stringValue ?? "?"))
      #expect(try opened.bytes(of: name) == Array(data))
    }
    let metadata = expectation["metadata"]?.objectValue?.members ?? []
    #expect(opened.metadata.count == metadata.count)
    for (key, value) in metadata { #expect(opened.metadata[key] == value.stringValue) }
  }

  /// ctk's codes for each variant of the reference reader's error.
  private static let codes: [String: Set<String>] = [
    "HeaderTooSmall": ["safetensors.header-too-small"],
    "HeaderTooLarge": ["safetensors.header-too-large"],
    "InvalidHeaderLength": ["safetensors.header-truncated"],
    "InvalidHeader": ["safetensors.header-not-utf8"],
    "InvalidOffset": ["safetensors.offsets-invalid", "safetensors.duplicate-key"],
    "TensorInvalidInfo": ["safetensors.size-mismatch", "safetensors.offsets-invalid"],
    "ValidationOverflow": ["safetensors.overflow"],
    "MisalignedSlice": ["safetensors.partial-byte"],
    "MetadataIncompleteBuffer": ["safetensors.data-incomplete", "safetensors.data-trailing"],
    "InvalidHeaderDeserialization": [
      "safetensors.header-invalid", "safetensors.duplicate-key", "safetensors.metadata-invalid",
      "safetensors.dtype-unknown", "safetensors.shape-invalid", "safetensors.offsets-invalid",
    ],
  ]
}
