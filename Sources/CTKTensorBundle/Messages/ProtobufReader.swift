import CTKCore

/// Reader of a protocol buffer message, field by field.
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    case word(UInt32)
    case long
    case bytes(UnsafeRawBufferPointer)
  }

  private var reader: ByteReader

  init(_ bytes: UnsafeRawBufferPointer) { reader = ByteReader(bytes) }

  /// The next field; nil at the end of the message.
  ///
  /// - Throws: `bundle.damaged`; groups, which no message here has, are damage too.
  mutating func next() throws(TensorBundleError) -> (field: UInt64, value: Value)? {
    if reader.isAtEnd { return nil }
    guard let tag = reader.varint(), tag >> 3 != 0, let value = value(ofType: tag & 7) else {
      throw TensorBundleError(.damaged, "a message of the table is not a protocol buffer")
    }
    return (tag >> 3, value)
  }

  private mutating func value(ofType type: UInt64) -> Value? {
    switch type {
    case 0: reader.varint().map { .varint($0) }
    case 1: reader.take(8).map { _ in .long }
    case 2: reader.count().flatMap { reader.take($0) }.map { .bytes($0) }
    case 5: reader.word().map { .word($0) }
    default: nil
    }
  }
}
