import CTKCore
import CTKSafetensors

/// Streams of a file under construction, in name order, with their digests.
struct StreamCollector: ~Copyable {
  private var spool: Spool
  private var infos: [TensorInfo] = []
  private var digests: [(name: String, digest: Digest)] = []
  private var hasher = StreamingDigest()
  private var start = 0

  init(beside path: String) throws(PatchError) { spool = try Spool(beside: path) }

  /// Appends bytes to the stream that is open.
  mutating func append(_ bytes: [UInt8]) throws(PatchError) {
    hasher.update(bytes)
    try spool.append(bytes)
  }

  /// Ends the stream that is open and opens the next.
  mutating func endStream(_ name: String) throws(PatchError) {
    let byteCount = spool.byteCount - start
    infos.append(
      try PatchError.wrap { () throws(CoreError) in
        try TensorInfo(name: name, dtype: .u8, shape: [byteCount])
      })
    digests.append((name, hasher.finalize()))
    hasher = StreamingDigest()
    start = spool.byteCount
  }

  /// Digest of all streams (`formats/patch.md` section 4.2).
  var payloadDigest: Digest { Fingerprint.checkpoint(digests) }

  /// Writes the file.
  ///
  /// - Throws: the codes of `SafetensorsWriter`.
  consuming func write(
    to path: String, metadata: [String: String], replacesExisting: Bool
  ) throws(PatchError) {
    let infos = infos
    var writer = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsWriter(
        path: path, tensors: infos, metadata: metadata, replacesExisting: replacesExisting)
    }
    precondition(
      writer.order.map(\.name) == infos.map(\.name), "streams are collected in name order")
    try spool.copy(to: &writer)
    do throws(SafetensorsError) {
      try writer.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
  }
}
