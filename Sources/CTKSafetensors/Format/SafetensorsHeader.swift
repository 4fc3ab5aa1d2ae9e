import CTKCore

/// The validated table of contents of a safetensors file.
struct SafetensorsHeader {
  struct Entry {
    let info: TensorInfo
    /// Where the tensor's bytes lie, counted from the start of the file.
    let range: Range<Int>
  }

  /// Every tensor in the order of its bytes.
  let entries: [Entry]
  let metadata: [String: String]
  /// Oddities that do not make the file unreadable.
  let findings: [String]

  /// Reads and checks the header of a whole file.
  ///
  /// - Throws: the `header-*`, `duplicate-key`, `metadata-invalid`, `dtype-unknown`,
  ///   `shape-invalid`, `offsets-invalid`, `size-mismatch`, `overflow`, `partial-byte` and
  ///   `data-*` codes.
  init(file: UnsafeRawBufferPointer) throws(SafetensorsError) {
    let header = try Self.headerBytes(of: file)
    let fields = try Self.fields(of: header)
    let dataStart = SafetensorsFormat.lengthByteCount + header.count
    var reader = EntryReader(dataStart: dataStart)
    var entries: [Entry] = []
    entries.reserveCapacity(fields.count)
    var metadata: [String: String] = [:]
    for (name, value) in fields.members {
      if name == SafetensorsFormat.metadataKey {
        metadata = try Self.metadata(value)
      } else {
        entries.append(try reader.entry(name, value))
      }
    }
    entries.sort(by: Self.precedesInFile)
    try Self.checkCoverage(entries, from: dataStart, to: file.count)
    self.entries = entries
    self.metadata = metadata
    findings = reader.findings
  }

  private static func headerBytes(
    of file: UnsafeRawBufferPointer
  ) throws(SafetensorsError) -> UnsafeRawBufferPointer {
    let prefix = SafetensorsFormat.lengthByteCount
    guard file.count >= prefix else {
      throw SafetensorsError(
        .headerTooSmall, "expected at least \(prefix) bytes, found \(file.count)")
    }
    let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafetensorsFormat.headerByteLimit) else {
      throw SafetensorsError(
        .headerTooLarge,
        "the header declares \(length) bytes, more than \(SafetensorsFormat.headerByteLimit)",
        hint: "check that this is a safetensors file")
    }
    let end = prefix + Int(length)
    guard end <= file.count else {
      throw SafetensorsError(
        .headerTruncated, "the header ends at byte \(end), the file at byte \(file.count)",
        hint: "the file may be cut off; fetch it again")
    }
    return UnsafeRawBufferPointer(rebasing: file[prefix..<end])
  }

  private static func fields(
    of header: UnsafeRawBufferPointer
  ) throws(SafetensorsError) -> JSONObject {
    let value: JSONValue
    do {
      value = try JSONParser.parse(header)
    } catch {
      throw SafetensorsError(Self.code(for: error), "in the header: \(error.message)")
    }
    guard let fields = value.objectValue else {
      throw SafetensorsError(.headerInvalid, "the header must hold a JSON object")
    }
    return fields
  }

  private static func code(for error: CoreError) -> SafetensorsErrorCode {
    switch CoreErrorCode(rawValue: error.code) {
    case .jsonDuplicateKey: .duplicateKey
    case .jsonNotUTF8: .headerNotUTF8
    default: .headerInvalid
    }
  }

  /// The reference reader takes `null` for an absent block.
  private static func metadata(_ value: JSONValue) throws(SafetensorsError) -> [String: String] {
    if value == .null { return [:] }
    guard let members = value.objectValue?.members else {
      throw SafetensorsError(.metadataInvalid, "__metadata__ must be an object of strings")
    }
    var metadata: [String: String] = [:]
    for (key, value) in members {
      guard let text = value.stringValue else {
        throw SafetensorsError(.metadataInvalid, "__metadata__ '\(key)' must be a string")
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func precedesInFile(_ left: Entry, _ right: Entry) -> Bool {
    left.range.lowerBound != right.range.lowerBound
      ? left.range.lowerBound < right.range.lowerBound
      : left.range.upperBound < right.range.upperBound
  }

  /// The tensors must cover the data without holes, overlaps or a rest.
  private static func checkCoverage(
    _ entries: [Entry], from start: Int, to fileEnd: Int
  ) throws(SafetensorsError) {
    var end = start
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw SafetensorsError(
          .offsetsInvalid,
          "tensor '\(entry.info.name)' begins at data byte \(entry.range.lowerBound - start), "
            + "the one before it ends at \(end - start)")
      }
      end = entry.range.upperBound
    }
    if end > fileEnd {
      throw SafetensorsError(
        .dataIncomplete, "the tensors need \(end) bytes, the file has \(fileEnd)",
        hint: "the file may be cut off; fetch it again")
    }
    if end < fileEnd {
      throw SafetensorsError(
        .dataTrailing, "\(fileEnd - end) bytes follow the last tensor at byte \(end)")
    }
  }
}

/// Decoder of single tensor descriptions.
private struct EntryReader {
  let dataStart: Int
  private(set) var findings: [String] = []

  init(dataStart: Int) { self.dataStart = dataStart }

  mutating func entry(
    _ name: String, _ value: JSONValue
  ) throws(SafetensorsError) -> SafetensorsHeader.Entry {
    guard let fields = value.objectValue else {
      throw SafetensorsError(.headerInvalid, "tensor '\(name)' must be described by an object")
    }
    let info = try description(
      name, dtype: try dtype(fields["dtype"], name), shape: try shape(fields["shape"], name))
    let offsets = try offsets(fields["data_offsets"], name)
    guard offsets.count == info.byteCount else {
      throw SafetensorsError(
        .sizeMismatch,
        "tensor '\(name)' of \(info.dtype.rawValue) \(info.shape) needs \(info.byteCount) bytes, "
          + "its range has \(offsets.count)")
    }
    let (end, overflow) = offsets.upperBound.addingReportingOverflow(dataStart)
    if overflow {
      throw SafetensorsError(.overflow, "the offsets of tensor '\(name)' are too large")
    }
    return .init(info: info, range: offsets.lowerBound + dataStart..<end)
  }

  private func dtype(_ field: JSONValue?, _ name: String) throws(SafetensorsError) -> DType {
    guard let text = field?.stringValue else {
      throw SafetensorsError(.headerInvalid, "tensor '\(name)' needs a dtype, which is a string")
    }
    guard let dtype = DType(rawValue: text) else {
      throw SafetensorsError(.dtypeUnknown, "tensor '\(name)' has the unknown dtype '\(text)'")
    }
    return dtype
  }

  /// An extent above `Int.max` can only belong to a tensor without elements, as
  /// any other product overflows; it is kept as `Int.max`.
  private mutating func shape(_ field: JSONValue?, _ name: String) throws(SafetensorsError) -> [Int]
  {
    guard let elements = field?.arrayValue else {
      throw SafetensorsError(.headerInvalid, "tensor '\(name)' needs a shape, which is a list")
    }
    var shape: [Int] = []
    shape.reserveCapacity(elements.count)
    for element in elements {
      switch element {
      case .integer(let extent) where extent >= 0:
        shape.append(extent)
      case .unsigned(let extent):
        findings.append("tensor '\(name)': the extent \(extent) is shown as \(Int.max)")
        shape.append(Int.max)
      default:
        throw SafetensorsError(
          .shapeInvalid,
          "the shape of tensor '\(name)' holds \(element.compactText), "
            + "which is not a whole number from 0")
      }
    }
    return shape
  }

  private func offsets(
    _ field: JSONValue?, _ name: String
  ) throws(SafetensorsError) -> Range<Int> {
    guard let elements = field?.arrayValue, elements.count == 2 else {
      throw SafetensorsError(
        .offsetsInvalid, "tensor '\(name)' needs data_offsets, a list of two numbers")
    }
    guard let begin = elements[0].intValue, let end = elements[1].intValue, begin >= 0,
      begin <= end
    else {
      throw SafetensorsError(
        .offsetsInvalid,
        "the data_offsets \(JSONValue.array(elements).compactText) of tensor '\(name)' "
          + "are not a range of bytes")
    }
    return begin..<end
  }

  private func description(
    _ name: String, dtype: DType, shape: [Int]
  ) throws(SafetensorsError) -> TensorInfo {
    do {
      return try TensorInfo(name: name, dtype: dtype, shape: shape)
    } catch {
      let isPartial =
        (try? CheckedArithmetic.elementCount(of: shape, tensor: name))
        .map { $0.multipliedReportingOverflow(by: dtype.bitWidth) }
        .map { !$0.overflow && $0.partialValue % 8 != 0 } ?? false
      throw SafetensorsError(isPartial ? .partialByte : .overflow, error.message)
    }
  }
}
