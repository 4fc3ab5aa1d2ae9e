public import CTKCore
import Foundation
public import Testing

/// A file with a listing of what must come of it: `expect`, and `tensors` or `code`.
public struct ListedFile: Sendable, CustomTestStringConvertible {
  public let name: String
  public let path: String
  public let expectation: JSONValue

  public var testDescription: String { name }
  /// `accept`, `reject`, `report` or `either`.
  public var expect: String { expectation["expect"]?.stringValue ?? "?" }
  public var code: String? { expectation["code"]?.stringValue }

  /// The files of a fixture folder.
  ///
  /// - Parameters:
  ///   - listing: the JSON file, below `fixtures/`.
  ///   - group: the member of the listing that is meant; nil means the whole.
  ///   - folder: where the files lie.
  public static func all(
    listing: String, group: String? = nil, folder: String
  ) -> [ListedFile] {
    let document = try? JSONParser.parseFile(Fixtures.path(listing))
    let list = group.map { document?[$0] } ?? document
    return (list?.objectValue?.members ?? []).map { name, expectation in
      ListedFile(
        name: name, path: Fixtures.path(folder + "/" + name), expectation: expectation)
    }
  }

  /// Compares every tensor with the listing: names, types, shapes and bytes.
  public func compare(_ source: some TensorSource) throws {
    let listed = try #require(expectation["tensors"]?.objectValue)
    #expect(source.tensors.map(\.name) == listed.keys.sorted(by: utf8Precedes))
    for (name, entry) in listed.members {
      let expected = entry["same_as"]?.stringValue.flatMap { listed[$0] } ?? entry
      let info = try #require(source.info(of: name))
      #expect(Self.numpyNames[info.dtype] == expected["dtype"]?.stringValue, "\(name)")
      #expect(info.shape == expected["shape"]?.arrayValue?.compactMap(\.intValue), "\(name)")
      let bytes = try source.withTensorBytes(name) { Array($0) }
      let base64 = try #require(expected["data_base64"]?.stringValue)
      #expect(bytes == Data(base64Encoded: base64).map { Array($0) }, "\(name)")
    }
  }

  private static let numpyNames: [DType: String] = [
    .f64: "float64", .f32: "float32", .f16: "float16", .bf16: "bfloat16", .i64: "int64",
    .i32: "int32", .i16: "int16", .i8: "int8", .u64: "uint64", .u32: "uint32", .u16: "uint16",
    .u8: "uint8", .bool: "bool", .c64: "complex64", .f8e4m3: "float8_e4m3fn",
    .f8e5m2: "float8_e5m2", .f8e4m3fnuz: "float8_e4m3fnuz", .f8e5m2fnuz: "float8_e5m2fnuz",
  ]
}
