public import CTKCore

/// What an export wrote.
public struct ExportReport: Sendable {
  /// The name and version of the JSON form.
  public static let schema = "ctk.export/1"

  public let format: ExportFormat
  /// Name of the file of weights in the output folder.
  public let weightsFile: String
  public let tensorCount: Int
  /// Bytes of the tensors as written.
  public let byteCount: Int
  /// Tensors that were widened to f32, because the container holds nothing else.
  public let widenedCount: Int
  /// Fingerprint of the exported checkpoint, which an import of the output has again unless
  /// tensors were widened.
  public let fingerprint: Digest
  /// Names of the files in the output folder, sorted.
  public let files: [String]

  public var json: JSONValue {
    [
      "schema": .string(Self.schema),
      "format": .string(format.rawValue),
      "weights": .string(weightsFile),
      "tensors": .integer(tensorCount),
      "bytes": .integer(byteCount),
      "widened": .integer(widenedCount),
      "fingerprint": .string(fingerprint.hex),
      "files": .array(files.map { .string($0) }),
    ]
  }

  /// The report for people.
  public var text: String {
    var text = "\(weightsFile): \(tensorCount) tensors, \(byteCount) bytes\n"
    if widenedCount > 0 { text += "note: \(widenedCount) tensors were widened to f32\n" }
    return text + "fingerprint \(fingerprint.hex)\n"
  }
}
