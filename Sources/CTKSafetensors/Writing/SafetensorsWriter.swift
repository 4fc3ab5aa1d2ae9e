public import CTKCore

/// Streaming writer of a safetensors file that appears only when complete.
///
/// The same tensors and metadata always give the same bytes: tensors are laid
/// out by descending dtype rank and then by name, as the reference writer does,
/// and metadata keys are sorted.
public struct SafetensorsWriter: ~Copyable {
  /// The tensors in the order in which their bytes must be written.
  public let order: [TensorInfo]
  private var file: AtomicFile
  private var missingByteCount: Int

  /// Opens the output and writes its header.
  ///
  /// - Throws: `safetensors.duplicate-key`, `safetensors.name-reserved`,
  ///   `safetensors.header-too-large`, `safetensors.overflow`, and the `output.*` codes.
  public init(
    path: String, tensors: [TensorInfo], metadata: [String: String] = [:],
    replacesExisting: Bool = false
  ) throws(SafetensorsError) {
    let order = try Self.layout(tensors)
    let (header, dataByteCount) = try Self.header(order, metadata: metadata)
    let file = try SafetensorsError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path, replacesExisting: replacesExisting)
      try file.write(header)
      return file
    }
    self.init(order: order, file: file, missingByteCount: dataByteCount)
  }

  private init(order: [TensorInfo], file: consuming AtomicFile, missingByteCount: Int) {
    self.order = order
    self.file = file
    self.missingByteCount = missingByteCount
  }

  /// Appends bytes of the tensors in `order`; pieces may end anywhere.
  ///
  /// - Throws: `safetensors.write-overrun`, and the `output.*` codes.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
    guard bytes.count <= missingByteCount else {
      throw SafetensorsError(
        .writeOverrun,
        "\(bytes.count) bytes were given where \(missingByteCount) were still missing",
        path: file.path)
    }
    missingByteCount -= bytes.count
    do {
      try file.write(bytes)
    } catch {
      throw SafetensorsError(wrapping: error)
    }
  }

  /// Makes the file durable and visible.
  ///
  /// - Throws: `safetensors.write-incomplete` when bytes are missing, and the
  ///   `output.*` codes.
  public consuming func commit() throws(SafetensorsError) {
    guard missingByteCount == 0 else {
      throw SafetensorsError(
        .writeIncomplete, "\(missingByteCount) bytes of tensors were not written", path: file.path)
    }
    do {
      try file.commit()
    } catch {
      throw SafetensorsError(wrapping: error)
    }
  }
}

// MARK: Header

extension SafetensorsWriter {
  private static func layout(_ tensors: [TensorInfo]) throws(SafetensorsError) -> [TensorInfo] {
    var names: Set<String> = []
    for tensor in tensors {
      if tensor.name == SafetensorsFormat.metadataKey {
        throw SafetensorsError(.nameReserved, "'\(tensor.name)' cannot name a tensor")
      }
      if !names.insert(tensor.name).inserted {
        throw SafetensorsError(.duplicateKey, "there are two tensors named '\(tensor.name)'")
      }
    }
    return tensors.sorted { left, right in
      left.dtype != right.dtype
        ? left.dtype.alignmentRank > right.dtype.alignmentRank
        : utf8Precedes(left.name, right.name)
    }
  }

  /// The length prefix and the padded JSON, and the byte count of all tensors.
  private static func header(
    _ tensors: [TensorInfo], metadata: [String: String]
  ) throws(SafetensorsError) -> (bytes: [UInt8], dataByteCount: Int) {
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
    }
    return (try framed("{\(members.joined(separator: ","))}"), end)
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
