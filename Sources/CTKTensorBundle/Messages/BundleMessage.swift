import CTKCore

/// Reader of a message of the table, with the module's own error.
struct BundleMessage {
  private var reader: ProtobufReader

  init(_ bytes: UnsafeRawBufferPointer) { reader = ProtobufReader(bytes) }

  /// The next field; nil at the end of the message.
  ///
  /// - Throws: `bundle.damaged`.
  mutating func next() throws(TensorBundleError) -> (field: UInt64, value: ProtobufReader.Value)? {
    do {
      return try reader.next()
    } catch {
      throw TensorBundleError(.damaged, "a message of the table is not a protocol buffer")
    }
  }
}
