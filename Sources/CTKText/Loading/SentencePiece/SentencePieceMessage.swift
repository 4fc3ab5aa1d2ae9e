import CTKCore

/// Fields of the messages in a SentencePiece model, with typed look-ups that name what is wrong.
enum SentencePieceMessage {
  typealias Receiver = (UInt64, ProtobufReader.Value) throws(TextError) -> Void

  /// - Throws: `text.tokenizer-malformed`, and what `receive` throws.
  static func forEachField(of bytes: [UInt8], _ receive: Receiver) throws(TextError) {
    let span = bytes.span
    try span.withUnsafeBytes { (bytes) throws(TextError) in
      try forEachField(of: bytes, receive)
    }
  }

  static func forEachField(
    of bytes: UnsafeRawBufferPointer, _ receive: Receiver
  ) throws(TextError) {
    var reader = ProtobufReader(bytes)
    while let (field, value) = try next(&reader) { try receive(field, value) }
  }

  static func wrongType(_ name: String) -> TextError {
    TextError(.tokenizerMalformed, "\(name) has the wrong type")
  }

  private static func next(
    _ reader: inout ProtobufReader
  ) throws(TextError) -> (field: UInt64, value: ProtobufReader.Value)? {
    do {
      return try reader.next()
    } catch {
      throw TextError(
        .tokenizerMalformed, "the file is not a SentencePiece model",
        hint: "it may be cut off; fetch it again")
    }
  }
}

extension ProtobufReader.Value {
  func message(_ name: String) throws(TextError) -> UnsafeRawBufferPointer {
    guard case .bytes(let bytes) = self else { throw SentencePieceMessage.wrongType(name) }
    return bytes
  }

  func number(_ name: String) throws(TextError) -> UInt64 {
    guard case .varint(let number) = self else { throw SentencePieceMessage.wrongType(name) }
    return number
  }

  func text(_ name: String) throws(TextError) -> String {
    guard let text = String(validating: try message(name), as: UTF8.self) else {
      throw TextError(.tokenizerMalformed, "\(name) is not UTF-8")
    }
    return text
  }
}
