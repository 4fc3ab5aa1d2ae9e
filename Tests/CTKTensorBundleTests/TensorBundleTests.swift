import CTKCore
import CTKTensorBundle
import CTKTestSupport
import Testing

@Suite("TensorFlow checkpoints", .tags(.format))
struct TensorBundleTests {
  private static let listed = ListedFile.all(
    listing: "tensorflow/expected.json", folder: "tensorflow")
  private let folder = TemporaryFolder()

  private func failure(_ path: String) -> String? {
    do {
      let bundle = try TensorBundle(path: path)
      for info in bundle.tensors { try bundle.withTensorBytes(info.name) { _ in } }
      return nil
    } catch let error as any Diagnosable {
      return error.code
    } catch {
      return "\(error)"
    }
  }

  /// Copies a checkpoint, with some bytes of its index or of its first data file changed.
  private func copied(
    _ name: String, index changeIndex: (inout [UInt8]) -> Void = { _ in },
    data changeData: (inout [UInt8]) -> Void = { _ in }
  ) throws -> String {
    var index = try readSmallFile(Fixtures.path("tensorflow/\(name).index"))
    var data = try readSmallFile(Fixtures.path("tensorflow/\(name).data-00000-of-00001"))
    changeIndex(&index)
    changeData(&data)
    try folder.write("x.index", index)
    try folder.write("x.data-00000-of-00001", data)
    return folder.file("x")
  }

  @Test("What SaveV2 writes", arguments: listed)
  func written(_ file: ListedFile) throws {
    guard file.expect == "accept" else {
      #expect(failure(file.path) == file.code)
      return
    }
    try file.compare(try TensorBundle(path: file.path))
    try file.compare(try TensorBundle(path: file.path + ".index"))
  }

  @Test func theListIsThere() { #expect(Self.listed.count == 4) }

  @Test func stringsAreReported() throws {
    let bundle = try TensorBundle(path: Fixtures.path("tensorflow/dtypes.ckpt"))
    #expect(bundle.findings.count == 1)
    #expect(bundle.findings[0].contains("'text' holds strings"))
    let object = try TensorBundle(path: Fixtures.path("tensorflow/object.ckpt"))
    #expect(object.tensors.map(\.name) == ["v/.ATTRIBUTES/VARIABLE_VALUE"])
  }

  @Test func checksumsAreChecked() throws {
    let data = try copied("dtypes.ckpt", data: { $0[0] ^= 1 })
    #expect(failure(data) == "bundle.checksum-mismatch")
    let index = try copied("dtypes.ckpt", index: { $0[10] ^= 1 })
    #expect(failure(index) == "bundle.checksum-mismatch")
  }

  @Test func missingAndShortDataFiles() throws {
    let path = try copied("dtypes.ckpt", data: { $0.removeLast() })
    #expect(failure(path) == "bundle.range-invalid")
    let folder = TemporaryFolder()
    try folder.write(
      "y.index", try readSmallFile(Fixtures.path("tensorflow/dtypes.ckpt.index")))
    #expect(failure(folder.file("y")) == "bundle.shard-missing")
    #expect(failure(folder.file("z")) == "file.missing")
  }

  @Test func everyTruncationOfTheIndexIsRefused() throws {
    let bytes = try readSmallFile(Fixtures.path("tensorflow/dtypes.ckpt.index"))
    for count in bytes.indices {
      try folder.write("cut.index", Array(bytes[..<count]))
      #expect(failure(folder.file("cut")) == "bundle.not-a-bundle", "\(count)")
    }
  }
}
