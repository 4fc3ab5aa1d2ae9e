/// Names and limits of `formats/patch.md`.
public enum PatchFormat {
  public static let name = "ctk-patch"
  static let tensorStreamPrefix = "tensor:"
  static let fileStreamPrefix = "file:"
  static let nameLimit = 65_535
  static let rankLimit = 32
  static let fileByteLimit = 1 << 24
}

/// Versions of a patch, which differ in where its file keeps tables and streams.
enum PatchVersion: String, Sendable, CaseIterable {
  /// Tables are metadata.
  case plain = "1"
  /// Tables are a stream.
  case packed = "2"
  /// Tables are a stream, and the others are joined to one.
  case joined = "3"
}

/// Codecs of tensor streams.
public enum PatchCodec: String, Sendable, CaseIterable {
  /// Byte planes through zlib, readable with Python's standard library.
  case deflate
  /// Fewer bits by modelling rows and columns; `formats/context.md`.
  case context
}

/// How the codec of each tensor is chosen.
public enum CodecChoice: String, Sendable, CaseIterable {
  /// The smaller one.
  case auto
  case deflate
  case context

  init(_ codec: PatchCodec) {
    switch codec {
    case .deflate: self = .deflate
    case .context: self = .context
    }
  }
}
