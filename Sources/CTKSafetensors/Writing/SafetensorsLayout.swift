public import CTKCore

/// Where everything lies in a safetensors file that is to be written.
///
/// The same tensors and metadata always give the same layout: tensors by
/// descending dtype rank and then by name, as the reference writer lays them
/// out, and metadata keys sorted.
public struct SafetensorsLayout: Sendable {
  /// The tensors in the order of their bytes.
  public let order: [TensorInfo]
  /// The length prefix and the padded JSON that begin the file.
  public let header: [UInt8]
  /// Bytes of the whole file.
  public let byteCount: Int
  private let starts: [UTF8Key: Int]

  /// - Throws: `safetensors.duplicate-key`, `safetensors.name-reserved`,
  ///   `safetensors.header-too-large`, `safetensors.overflow`.
  public init(_ tensors: [TensorInfo], metadata: [String: String]) throws(SafetensorsError) {
    order = try Self.order(tensors)
    let (header, ends) = try Self.header(order, metadata: metadata)
    self.header = header
    byteCount = header.count + (ends.last ?? 0)
    starts = Dictionary(
      uniqueKeysWithValues: zip(order, ends).map {
        (UTF8Key($0.name), header.count + $1 - $0.byteCount)
      })
  }

  /// Where a tensor's bytes begin in the file.
  public func start(of name: String) -> Int? { starts[UTF8Key(name)] }
}

// MARK: Header

extension SafetensorsLayout {
  private static func order(_ tensors: [TensorInfo]) throws(SafetensorsError) -> [TensorInfo] {
    var names: Set<UTF8Key> = []
    for tensor in tensors {
      if tensor.name == SafetensorsFormat.metadataKey {
        throw SafetensorsError(.nameReserved, "'\(tensor.name)' cannot name a tensor")
      }
      if !names.insert(UTF8Key(tensor.name)).inserted {
        throw SafetensorsError(.duplicateKey, "there are two tensors named '\(tensor.name)'")
      }
    }
    return tensors.sorted { left, right in
      left.dtype != right.dtype
        ? left.dtype.alignmentRank > right.dtype.alignmentRank
        : utf8Precedes(left.name, right.name)
    }
  }

  /// The length prefix and the padded JSON, and where each tensor's data ends.
  private static func header(
    _ tensors: [TensorInfo], metadata: [String: String]
  ) throws(SafetensorsError) -> (bytes: [UInt8], ends: [Int]) {
    var ends: [Int] = []
    var members: [String] = []
    members.reserveCapacity(tensors.count + 1)
    if !metadata.isEmpty {
      let block = JSONValue.object(
        metadata.reduce(into: JSONObject()) { $0[$1.key] = .string($1.value) })
      members.append(member(SafetensorsFormat.metadataKey, block.compactText))
    }
    var end = 0
    for tensor in tensors {
      let (next, overflow) = end.addingReportingOverflow(tensor.byteCount)
      if overflow {
        throw SafetensorsError(.overflow, "the tensors up to '\(tensor.name)' are too large")
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        member(
          tensor.name,
          "{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":[\(shape)],"
            + "\"data_offsets\":[\(end),\(next)]}"))
      end = next
      ends.append(end)
    }
    return (try framed("{\(members.joined(separator: ","))}"), ends)
  }

  private static func member(_ key: String, _ value: String) -> String {
    "\(JSONValue.string(key).compactText):\(value)"
  }

  private static func framed(_ text: String) throws(SafetensorsError) -> [UInt8] {
    let alignment = SafetensorsFormat.headerAlignment
    let byteCount = (text.utf8.count + alignment - 1) / alignment * alignment
    guard byteCount <= SafetensorsFormat.headerByteLimit else {
      throw SafetensorsError(
        .headerTooLarge,
        "the header needs \(byteCount) bytes, more than \(SafetensorsFormat.headerByteLimit)")
    }
    var bytes = withUnsafeBytes(of: UInt64(byteCount).littleEndian) { Array($0) }
    bytes.reserveCapacity(bytes.count + byteCount)
    bytes.append(contentsOf: text.utf8)
    bytes.append(contentsOf: repeatElement(0x20, count: byteCount - text.utf8.count))
    return bytes
  }
}
