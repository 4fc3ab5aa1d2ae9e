public import CTKCore
import CTKSafetensors

/// Expected numbers beside a reference model: `parity.safetensors` and `parity.json`.
public struct ParityFile: Sendable {
  public let tensors: any TensorSource
  public let facts: JSONValue

  /// - Parameter folder: under `fixtures/checkpoints`, such as "bert".
  public init(_ folder: String) throws {
    let base = Fixtures.path("checkpoints/\(folder)")
    tensors = try SafetensorsFile(path: base + "/parity.safetensors")
    facts = try JSONParser.parseFile(base + "/parity.json")
  }

  public func floats(_ name: String) throws -> [Float] {
    try tensors.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  /// Integer tensors of any width in use, as `Int`.
  public func integers(_ name: String) throws -> [Int] {
    let info = try tensors.requireInfo(of: name)
    return try tensors.withTensorBytes(name) { bytes in
      (0..<info.elementCount).map { index in
        switch info.dtype {
        case .i64: Int(bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
        case .i32: Int(bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
        default: Int(bytes[index])
        }
      }
    }
  }

  public func shape(_ name: String) throws -> [Int] { try tensors.requireInfo(of: name).shape }

  public func doubles(_ keys: String...) -> [Double] {
    var value: JSONValue? = facts
    for key in keys { value = value?[key] }
    return value?.arrayValue?.compactMap(\.doubleValue) ?? []
  }

  public func strings(_ keys: String...) -> [String] {
    var value: JSONValue? = facts
    for key in keys { value = value?[key] }
    return value?.arrayValue?.compactMap(\.stringValue) ?? []
  }
}
