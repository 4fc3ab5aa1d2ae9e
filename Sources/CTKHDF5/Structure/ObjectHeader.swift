import CTKCore

/// The header messages that ctk reads, by their numbers in the format.
enum MessageKind: Int {
  case dataspace = 0x01
  case linkInfo = 0x02
  case datatype = 0x03
  case oldFillValue = 0x04
  case fillValue = 0x05
  case link = 0x06
  case externalFiles = 0x07
  case layout = 0x08
  case filters = 0x0B
  case attribute = 0x0C
  case continuation = 0x10
  case symbolTable = 0x11
  case driverInfo = 0x14
  case attributeInfo = 0x15
}

/// A message of an object header: its kind and where its body lies.
struct HeaderMessage {
  /// Nil for a message that ctk has no interest in.
  let kind: MessageKind?
  /// Whether the body only points at a message stored elsewhere.
  let isShared: Bool
  let body: Range<Int>
}

/// All messages of an object, its continuation blocks included.
///
/// HDF5 File Format Specification, section IV.A; versions 1 and 2.
struct ObjectHeader {
  let image: FileImage
  let address: UInt64
  private(set) var messages: [HeaderMessage] = []

  /// - Throws: `hdf5.damaged` when a block leaves the file, overlaps another one
  ///   or fails its checksum; `hdf5.limit-exceeded`.
  init(_ image: FileImage, at address: UInt64) throws(HDF5Error) {
    self.image = image
    self.address = address
    var cursor = try image.cursor(at: address, "object header")
    let isNew = cursor.remaining >= 4 && image.bytes[cursor.position] == UInt8(ascii: "O")
    let prefix = try isNew ? Self.newPrefix(&cursor) : Self.oldPrefix(&cursor)
    var blocks = BlockQueue()
    try blocks.add(cursor.position..<cursor.position + prefix.byteCount, of: cursor)
    while let block = blocks.next() {
      var section = image.cursor(in: block, "object header block")
      try read(&section, prefix, into: &blocks)
    }
  }

  /// The only message of a kind; nil when there is none.
  ///
  /// A message that is stored in another object is followed there.
  func message(_ kind: MessageKind) throws(HDF5Error) -> FormatCursor? {
    guard let message = messages.first(where: { $0.kind == kind }) else { return nil }
    let cursor = image.cursor(in: message.body, "header message")
    return message.isShared ? try SharedMessage.resolve(cursor, kind) : cursor
  }

  /// As `message`, for one that every object of this sort must have.
  func required(_ kind: MessageKind, _ what: String) throws(HDF5Error) -> FormatCursor {
    guard let cursor = try message(kind) else {
      throw HDF5Error(.damaged, "the object at address \(address) has no \(what)")
    }
    return cursor
  }

  func has(_ kind: MessageKind) -> Bool { messages.contains { $0.kind == kind } }

  private mutating func read(
    _ section: inout FormatCursor, _ prefix: Prefix, into blocks: inout BlockQueue
  ) throws(HDF5Error) {
    let headerByteCount = prefix.isNew ? (prefix.tracksCreationOrder ? 6 : 4) : 8
    while section.remaining >= headerByteCount {
      let number = try prefix.isNew ? section.byte() : section.short()
      let byteCount = try section.short()
      let flags = try section.byte()
      try section.skip(headerByteCount - (prefix.isNew ? 4 : 5))
      let body = try section.skip(byteCount)
      let kind = MessageKind(rawValue: number)
      messages.append(HeaderMessage(kind: kind, isShared: flags & 2 != 0, body: body))
      if messages.count > HDF5Limits.messageCount {
        throw HDF5Error(
          .limitExceeded,
          "the object at address \(address) has more than \(HDF5Limits.messageCount) messages")
      }
      if kind == .continuation {
        var target = image.cursor(in: body, "continuation message")
        try blocks.addContinuation(&target, isNew: prefix.isNew)
      }
    }
  }
}

// MARK: Prefix and blocks

extension ObjectHeader {
  /// What the prefix tells about the messages.
  private struct Prefix {
    let byteCount: Int
    let isNew: Bool
    var tracksCreationOrder = false
  }

  private static func oldPrefix(_ cursor: inout FormatCursor) throws(HDF5Error) -> Prefix {
    _ = try cursor.version(1...1)
    try cursor.skip(7)
    let byteCount = try cursor.word()
    try cursor.skip(4)
    guard byteCount <= cursor.remaining else {
      throw cursor.damaged("\(byteCount) bytes of messages, the file has \(cursor.remaining) left")
    }
    return Prefix(byteCount: byteCount, isNew: false)
  }

  private static func newPrefix(_ cursor: inout FormatCursor) throws(HDF5Error) -> Prefix {
    try cursor.signature("OHDR")
    _ = try cursor.version(2...2)
    let flags = try cursor.byte()
    if flags & 0x20 != 0 { try cursor.skip(16) }
    if flags & 0x10 != 0 { try cursor.skip(4) }
    let declared = try cursor.number(1 << (flags & 3))
    guard let byteCount = Int(exactly: declared), byteCount <= cursor.remaining else {
      throw cursor.damaged("\(declared) bytes of messages, the file has \(cursor.remaining) left")
    }
    var whole = cursor
    try whole.skip(byteCount)
    try whole.checksum()
    return Prefix(byteCount: byteCount, isNew: true, tracksCreationOrder: flags & 0x04 != 0)
  }

  /// Header blocks still to be read; no two of them overlap.
  private struct BlockQueue {
    private var blocks: [Range<Int>] = []
    private var position = 0

    mutating func next() -> Range<Int>? {
      guard position < blocks.count else { return nil }
      defer { position += 1 }
      return blocks[position]
    }

    mutating func add(_ block: Range<Int>, of cursor: FormatCursor) throws(HDF5Error) {
      if blocks.contains(where: { $0.overlaps(block) }) {
        throw cursor.damaged("its continuation comes back to a block that was read before")
      }
      guard blocks.count < HDF5Limits.headerBlockCount else {
        throw HDF5Error(
          .limitExceeded, "an object header of more than \(HDF5Limits.headerBlockCount) blocks")
      }
      blocks.append(block)
    }

    mutating func addContinuation(
      _ message: inout FormatCursor, isNew: Bool
    ) throws(HDF5Error) {
      let address = try message.requiredAddress("the continuation")
      let byteCount = try message.length()
      var block = try message.image.cursor(at: address, byteCount: byteCount, "continuation block")
      guard isNew else { return try add(block.position..<block.end, of: block) }
      try block.signature("OCHK")
      let body = try block.skip(block.remaining - 4)
      try block.checksum()
      try add(body, of: block)
    }
  }
}
