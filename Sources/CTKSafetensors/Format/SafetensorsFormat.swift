/// Constants of the file layout: eight bytes of little-endian header length, a
/// JSON header, then the tensors' bytes.
enum SafetensorsFormat {
  /// Width of the header length at the start of a file.
  static let lengthByteCount = 8
  /// Largest header that is read or written.
  static let headerByteLimit = 100_000_000
  /// The header is padded with spaces to a multiple of this.
  static let headerAlignment = 8
  /// The header's only key that is not a tensor name.
  static let metadataKey = "__metadata__"

  static let singleFileName = "model.safetensors"
  static let indexFileName = "model.safetensors.index.json"
}
