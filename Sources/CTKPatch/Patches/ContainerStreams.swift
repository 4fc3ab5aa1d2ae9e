import CTKCore
import CTKSafetensors

/// The streams of a ctk file, wherever its container keeps them.
struct ContainerStreams: Sendable {
  private struct Place {
    let tensor: String
    let range: Range<Int>
  }

  static let payloadName = "payload"

  private let container: SafetensorsFile
  private let places: [UTF8Key: Place]
  /// In name order.
  let names: [String]

  /// Streams that are tensors of their own.
  private init(of container: SafetensorsFile) {
    self.container = container
    names = container.tensors.map(\.name)
    places = Dictionary(
      container.tensors.map {
        (UTF8Key($0.name), Place(tensor: $0.name, range: 0..<$0.byteCount))
      }
    ) { first, _ in first }
  }

  /// The streams that a file's tables name, and no others.
  ///
  /// - Parameter joinedByteCounts: bytes of each stream; nil when they are not joined.
  init(
    of container: SafetensorsFile, named names: [String], joinedByteCounts: [Int]?
  ) throws(HeaderFault) {
    if let joinedByteCounts {
      try Self.require([Self.payloadName, HeaderTables.streamName], in: container)
      try self.init(joinedIn: container, names, joinedByteCounts)
    } else {
      try Self.require(names, in: container)
      self.init(of: container)
    }
  }

  /// The stream of tables, if there is one.
  static func tables(in container: SafetensorsFile) throws(PatchError) -> [UInt8]? {
    guard container.info(of: HeaderTables.streamName) != nil else { return nil }
    return try container.lend(HeaderTables.streamName) { (bytes) throws(PatchError) in
      Array(bytes)
    }
  }

  /// Streams that follow each other in the payload.
  private init(
    joinedIn container: SafetensorsFile, _ names: [String], _ byteCounts: [Int]
  ) throws(HeaderFault) {
    var rest = container.info(of: Self.payloadName)?.byteCount ?? 0
    var (end, places) = (0, [UTF8Key: Place]())
    for (name, byteCount) in zip(names, byteCounts) {
      guard byteCount <= rest else { throw .damaged("the payload ends in stream '\(name)'") }
      places[UTF8Key(name)] = Place(tensor: Self.payloadName, range: end..<end + byteCount)
      rest -= byteCount
      end += byteCount
    }
    guard rest == 0 else { throw .damaged("\(rest) bytes of the payload belong to no stream") }
    (self.container, self.places, self.names) = (container, places, names)
  }

  private static func require(
    _ names: [String], in container: SafetensorsFile
  ) throws(HeaderFault) {
    guard container.tensors.map({ UTF8Key($0.name) }) == names.map(UTF8Key.init) else {
      throw .damaged("its streams are not those that its tables name")
    }
    for info in container.tensors where info.dtype != .u8 || info.shape.count != 1 {
      throw .damaged("stream '\(info.name)' is not a list of bytes")
    }
  }

  /// Lends the bytes of a stream, and gives back their memory.
  ///
  /// - Throws: `tensor.missing`, and what `body` throws.
  func lend<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    guard let place = places[UTF8Key(name)] else { return try container.lend(name, body) }
    defer { container.discard(place.tensor, place.range) }
    return try container.lend(place.tensor) { (bytes) throws(PatchError) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[place.range]))
    }
  }

  /// Gives back the memory of a part of a stream that was read.
  func discard(_ name: String, _ part: Range<Int>) {
    guard let place = places[UTF8Key(name)] else { return }
    let start = place.range.lowerBound
    container.discard(place.tensor, start + part.lowerBound..<start + part.upperBound)
  }

  /// Digest of all streams (`formats/patch.md` section 4.2).
  func payloadDigest() throws(PatchError) -> Digest {
    var digests: [(name: String, digest: Digest)] = []
    for name in names {
      let digest = try lend(name) { (bytes) throws(PatchError) in
        var hasher = StreamingDigest()
        for tile in Tiles.ranges(of: 0..<bytes.count) {
          hasher.update(UnsafeRawBufferPointer(rebasing: bytes[tile]))
          discard(name, tile)
        }
        return hasher.finalize()
      }
      digests.append((name, digest))
    }
    return Fingerprint.checkpoint(digests)
  }
}
