import CTKCore
import CTKTestSupport

/// The tensors of a fixture in safetensors form, to compare with.
struct SafetensorsReference {
  private let bytes: [UInt8]
  private let header: JSONObject
  private let dataStart: Int

  init(_ fixture: String) throws {
    bytes = try readSmallFile(Fixtures.path(fixture))
    let headerByteCount = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    dataStart = 8 + headerByteCount
    guard let object = try JSONParser.parse(Array(bytes[8..<dataStart])).objectValue else {
      throw CoreError(.jsonWrongType, "the header is no object")
    }
    header = object
  }

  var names: [String] { header.keys.filter { $0 != "__metadata__" } }

  func shape(of name: String) -> [Int]? {
    header[name]?["shape"]?.arrayValue?.compactMap(\.intValue)
  }

  /// The values of an F32 tensor.
  func floats(_ name: String) -> [Float]? {
    guard let offsets = header[name]?["data_offsets"]?.arrayValue?.compactMap(\.intValue),
      offsets.count == 2
    else { return nil }
    return bytes[dataStart + offsets[0]..<dataStart + offsets[1]].withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
