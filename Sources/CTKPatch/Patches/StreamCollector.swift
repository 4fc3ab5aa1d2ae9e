import CTKCore
import CTKSafetensors

/// One finished stream of a file under construction.
struct SpooledStream: Sendable {
  let name: String
  let byteCount: Int
  let digest: Digest
  /// Where its pieces lie in the spool, in order.
  let pieces: [Range<Int>]
}

/// One stream that is being written; each thread has its own.
struct StreamWriter {
  private let spool: Spool
  private var hasher = StreamingDigest()
  private var pending: [UInt8] = []
  private var pieces: [Range<Int>] = []

  init(_ spool: Spool) { self.spool = spool }

  /// - Throws: `output.disk-full`, `output.write-failed`.
  mutating func append(_ bytes: [UInt8]) throws(PatchError) {
    hasher.update(bytes)
    pending.append(contentsOf: bytes)
    if pending.count >= Spool.bufferByteCount { try flush() }
  }

  private mutating func flush() throws(PatchError) {
    pieces.append(try spool.append(pending))
    pending.removeAll(keepingCapacity: true)
  }

  consuming func finish(_ name: String) throws(PatchError) -> SpooledStream {
    if !pending.isEmpty { try flush() }
    return SpooledStream(
      name: name, byteCount: pieces.reduce(0) { $0 + $1.count }, digest: hasher.finalize(),
      pieces: pieces)
  }
}

/// A file of streams under construction (`formats/patch.md` section 3).
struct StreamCollector {
  let spool: Spool
  private var streams: [SpooledStream] = []

  init(beside path: String) throws(PatchError) { spool = try Spool(beside: path) }

  /// Adds a stream; streams are added in name order.
  mutating func add(_ stream: SpooledStream) { streams.append(stream) }

  /// Adds a stream that is at hand.
  mutating func add(_ name: String, _ bytes: [UInt8]) throws(PatchError) {
    var writer = StreamWriter(spool)
    try writer.append(bytes)
    add(try writer.finish(name))
  }

  /// Digest of all streams (`formats/patch.md` section 4.2).
  var payloadDigest: Digest { Fingerprint.checkpoint(streams.map { ($0.name, $0.digest) }) }

  /// Bytes of each stream.
  var byteCounts: [Int] { streams.map(\.byteCount) }

  /// Writes the file.
  ///
  /// - Parameter tables: the stream behind all others, which are then joined to one.
  /// - Throws: the codes of `SafetensorsWriter`.
  func write(
    to path: String, metadata: [String: String], joiningWith tables: [UInt8]? = nil,
    replacesExisting: Bool
  ) throws(PatchError) {
    let sizes: [(name: String, byteCount: Int)] =
      if let tables {
        [
          (ContainerStreams.payloadName, byteCounts.reduce(0, +)),
          (HeaderTables.streamName, tables.count),
        ]
      } else {
        streams.map { ($0.name, $0.byteCount) }
      }
    let infos = try sizes.map { (stream) throws(PatchError) in
      try PatchError.wrap { () throws(CoreError) in
        try TensorInfo(name: stream.name, dtype: .u8, shape: [stream.byteCount])
      }
    }
    var writer = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsWriter(
        path: path, tensors: infos, metadata: metadata, replacesExisting: replacesExisting)
    }
    precondition(
      writer.order.map(\.name) == infos.map(\.name), "streams are collected in name order")
    for stream in streams {
      for piece in stream.pieces { try spool.copy(piece, to: &writer) }
    }
    do throws(SafetensorsError) {
      try tables?.span.withUnsafeBytes { (bytes) throws(SafetensorsError) in
        try writer.write(bytes)
      }
      try writer.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
  }
}
