import CTKCore
import CTKHDF5
import CTKTestSupport
import Foundation
import Testing

/// What the fixture list says about one file.
struct MalformedCase: CustomTestStringConvertible, Sendable {
  let name: String
  let expectation: JSONValue

  var testDescription: String { name }
  var path: String { Fixtures.path("checkpoints/malformed/hdf5/" + name) }

  static let all: [MalformedCase] = {
    let list = try? JSONParser.parseFile(Fixtures.path("checkpoints/malformed/expected.json"))
    return (list?["hdf5"]?.objectValue?.members ?? []).map {
      MalformedCase(name: $0.key, expectation: $0.value)
    }
  }()

  static func named(_ name: String) -> MalformedCase? { all.first { $0.name == name } }
}

@Suite(.tags(.format, .hostile)) struct MalformedFilesTests {
  @Test func theListIsThere() { #expect(MalformedCase.all.count > 100) }

  @Test(arguments: MalformedCase.all)
  func behavesAsListed(_ file: MalformedCase) throws {
    let expectation = try #require(file.expectation["expect"]?.stringValue)
    switch expectation {
    case "accept": try expectAccepted(file)
    case "reject":
      let isFoundWhenRead = file.expectation["phase"]?.stringValue == "read"
      let error = #expect(throws: HDF5Error.self) {
        try readAll(file, listingMustWork: isFoundWhenRead)
      }
      #expect(error?.code.hasPrefix("hdf5.") == true)
      #expect(error?.path == file.path)
    case "either", "report":
      do { try readAll(file) } catch { #expect(error is HDF5Error) }
    default: Issue.record("unknown expectation \(expectation)")
    }
  }

  /// Reads every tensor and every attribute the fixtures have.
  private func readAll(_ file: MalformedCase, listingMustWork: Bool = false) throws {
    let opened: HDF5File
    do {
      opened = try HDF5File(path: file.path)
    } catch {
      if listingMustWork { Issue.record("\(error): only the values are damaged") }
      throw error
    }
    for info in opened.tensors { _ = try opened.bytes(info.name) }
    _ = try opened.stringListAttribute("layer_names", of: "")
  }

  private func expectAccepted(_ file: MalformedCase) throws {
    let opened = try HDF5File(path: file.path)
    let tensors = try #require(file.expectation["tensors"]?.objectValue)
    #expect(opened.tensors.map(\.name) == tensors.keys.sorted(by: utf8Precedes))
    for (name, listed) in tensors.members {
      let expected = listed["same_as"]?.stringValue.flatMap { tensors[$0] } ?? listed
      let info = try #require(opened.info(of: name))
      #expect(Self.numpyNames[info.dtype] == expected["dtype"]?.stringValue, "\(name)")
      #expect(info.shape == expected["shape"]?.arrayValue?.compactMap(\.intValue), "\(name)")
      let base64 = try #require(expected["data_base64"]?.stringValue)
      #expect(try opened.bytes(name) == Data(base64Encoded: base64).map { Array($0) }, "\(name)")
    }
  }

  private static let numpyNames: [DType: String] = [
    .f16: "float16", .bf16: "bfloat16", .f32: "float32", .f64: "float64", .i8: "int8",
    .i16: "int16", .i32: "int32", .i64: "int64", .u8: "uint8", .u16: "uint16", .u32: "uint32",
    .u64: "uint64",
  ]

  @Test(
    arguments: [
      ("damage-empty.h5", "hdf5.not-hdf5"), ("damage-not-hdf5.h5", "hdf5.not-hdf5"),
      ("damage-truncated-half.h5", "hdf5.truncated"),
      ("damage-group-btree-cycle.h5", "hdf5.damaged"),
      ("damage-latest-header-checksum.h5", "hdf5.damaged"),
      ("link-soft.h5", "hdf5.link-refused"), ("link-external.h5", "hdf5.link-refused"),
      ("external-storage.h5", "hdf5.external-storage"),
      ("virtual-dataset.h5", "hdf5.virtual-dataset"),
      ("bomb-declared-chunked.h5", "hdf5.shape-bomb"),
      ("bomb-declared-contiguous.h5", "hdf5.shape-bomb"),
      ("bomb-huge-chunk.h5", "hdf5.shape-bomb"), ("bomb-rank30.h5", "hdf5.shape-bomb"),
      ("filter-lzf.h5", "hdf5.filter-unsupported"),
      ("filter-scaleoffset.h5", "hdf5.filter-unsupported"),
      ("type-compound.h5", "hdf5.type-unsupported"),
    ])
  func refusalsHaveTheirOwnCodes(_ name: String, _ code: String) {
    let path = Fixtures.path("checkpoints/malformed/hdf5/" + name)
    #expect(throws: HDF5Error.self) { try HDF5File(path: path) }
    do {
      _ = try HDF5File(path: path)
    } catch {
      #expect(error.code == code)
      #expect(error.status == .badInput)
    }
  }

  @Test func theFilterIsNamed() {
    let path = Fixtures.path("checkpoints/malformed/hdf5/filter-lzf.h5")
    let error = #expect(throws: HDF5Error.self) { try HDF5File(path: path) }
    #expect(error?.message.contains("lzf") == true)
    #expect(error?.message.contains("enc.weight") == true)
    #expect(error?.hint?.contains("h5repack") == true)
  }

  @Test func otherContentIsReported() throws {
    let file = try HDF5File(
      path: Fixtures.path("checkpoints/malformed/hdf5/ok-mixed-content.h5"))
    #expect(file.tensors.map(\.name) == ["enc.weight"])
    for name in ["flags", "names", "notes", "table"] {
      #expect(file.findings.contains { $0.hasPrefix("'\(name)'") }, "\(name)")
    }
  }

  @Test func aGroupInsideItselfIsVisitedOnce() throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/malformed/hdf5/link-hard-cycle.h5"))
    #expect(file.tensors.map(\.name) == ["g/x"])
    #expect(file.findings.count == 1)
  }

  @Test func aMissingFileIsNoFormatError() {
    let error = #expect(throws: HDF5Error.self) { try HDF5File(path: "/no/such/file.h5") }
    #expect(error?.code == "file.missing")
    #expect(error?.status == .inputMissing)
  }
}
