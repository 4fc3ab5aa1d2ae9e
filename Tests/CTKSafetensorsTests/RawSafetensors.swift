import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation

/// Safetensors bytes put together by hand, right or wrong.
enum RawSafetensors {
  /// The length prefix, the header text as given, and the data.
  static func bytes(header: String, data: [UInt8] = []) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
      + Array(header.utf8) + data
  }

  /// A file of two small tensors and metadata.
  static let small = bytes(
    header: #"{"__metadata__":{"format":"pt"},"#
      + #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
      + #""b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#,
    data: Array(1...11))
}

extension TensorSource {
  /// A copy of a tensor's bytes.
  func bytes(of name: String) throws -> [UInt8] {
    try withTensorBytes(name) { Array($0) }
  }
}

/// The code of the failure that `body` ends with, or nil.
func failureCode(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as any Diagnosable {
    return error.code
  } catch {
    return "\(error)"
  }
}

/// Bytes of a file.
func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}
