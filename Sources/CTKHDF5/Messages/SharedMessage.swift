import CTKCore

/// A message whose body lies in another object's header, such as a named datatype.
///
/// HDF5 File Format Specification, section IV.A.2 "Shared Message"; versions 1 to 3.
enum SharedMessage {
  /// Deepest chain of messages that point at each other.
  private static let depthLimit = 4

  /// - Throws: `hdf5.damaged`; `hdf5.type-unsupported` for messages kept in the
  ///   file's table of shared messages.
  static func resolve(
    _ message: FormatCursor, _ kind: MessageKind
  ) throws(HDF5Error) -> FormatCursor {
    var cursor = message
    for _ in 0..<depthLimit {
      let header = try ObjectHeader(cursor.image, at: try target(&cursor))
      guard let message = header.messages.first(where: { $0.kind == kind }) else {
        throw cursor.damaged("the object it is shared from has no such message")
      }
      cursor = cursor.image.cursor(in: message.body, "shared message")
      if !message.isShared { return cursor }
    }
    throw cursor.damaged("shared messages point at each other")
  }

  private static func target(_ cursor: inout FormatCursor) throws(HDF5Error) -> UInt64 {
    let version = try cursor.version(1...3)
    let place = try cursor.byte()
    if version == 3 && place == 1 {
      throw HDF5Error(
        .typeUnsupported, "the file keeps a message in its table of shared messages",
        hint: "rewrite it with h5repack")
    }
    if version == 1 { try cursor.skip(6 + cursor.image.lengthWidth) }
    return try cursor.requiredAddress("a shared message")
  }
}
