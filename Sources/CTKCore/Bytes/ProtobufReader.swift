/// Bytes that are no protocol buffer message.
package struct ProtobufDamage: Error {}

/// Reader of a protocol buffer message, field by field.
package struct ProtobufReader {
  package enum Value {
    case varint(UInt64)
    case word(UInt32)
    case long
    case bytes(UnsafeRawBufferPointer)
  }

  private var reader: ByteReader

  package init(_ bytes: UnsafeRawBufferPointer) { reader = ByteReader(bytes) }

  /// The next field; nil at the end of the message.
  ///
  /// Groups, which no message that ctk reads has, are damage too.
  package mutating func next() throws(ProtobufDamage) -> (field: UInt64, value: Value)? {
    if reader.isAtEnd { return nil }
    guard let tag = reader.varint(), tag >> 3 != 0, let value = value(ofType: tag & 7) else {
      throw ProtobufDamage()
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
