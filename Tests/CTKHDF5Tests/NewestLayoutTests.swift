import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

/// A file in the newest format of HDF5, whose layouts the installed library may not know.
@Suite(.tags(.format)) struct NewestLayoutTests {
  private let file: HDF5File

  init() throws {
    let folder = TemporaryFolder()
    try PackedFixtures.unpack("hdf5/layout-5.zip", into: folder)
    file = try HDF5File(path: folder.file("layout-5.h5"))
  }

  private static let indexes = [
    "single", "fixed-array", "fixed-array-bounded", "extensible-array", "extensible-second-axis",
    "tree",
  ]

  @Test func everyDatasetIsListed() {
    #expect(file.tensors.count == 2 * Self.indexes.count + 3)
    #expect(file.findings.isEmpty)
  }

  @Test("Chunks come together in order", arguments: indexes, ["plain", "packed"])
  func chunks(_ index: String, _ form: String) throws {
    let values = try file.floats("\(index).\(form)")
    #expect(values == values.indices.map { Float($0) })
    #expect(values.count == (index == "single" ? 35 : 63))
  }

  @Test func chunksWithoutAnIndex() throws {
    #expect(try file.floats("implicit") == (0..<63).map { Float($0) })
  }

  @Test func chunksThatWereNeverWrittenHaveTheFillValue() throws {
    let values = try file.floats("partly-written")
    #expect(values == (0..<28).map { Float($0) } + [Float](repeating: -1, count: 35))
  }

  @Test func theOtherByteOrder() throws {
    let values = try file.withTensorBytes("big-endian") { bytes in
      (0..<63).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
    #expect(values == (0..<63).map { Double($0) })
  }
}
