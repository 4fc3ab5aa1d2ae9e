import CTKCore

/// Walks over tensors in pieces, so that memory is bounded by the piece.
enum Tiles {
  /// Bytes that are read, hashed and given back at a time; a multiple of any unit.
  static let byteCount = 1 << 20

  /// The pieces of `range`, in order.
  static func ranges(of range: Range<Int>, by byteCount: Int = byteCount) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: byteCount).map {
      $0..<min($0 + byteCount, range.upperBound)
    }
  }
}

extension TensorSource {
  /// Lends a tensor's bytes with the module's own errors.
  func lend<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    do {
      return try withTensorBytes(name) { try body($0) }
    } catch {
      throw PatchError(sourceError: error)
    }
  }

  /// The digest of one tensor, with the memory given back along the way.
  func tensorDigest(_ info: TensorInfo) throws(PatchError) -> Digest {
    try lend(info.name) { (bytes) throws(PatchError) in
      var digest = TensorDigest(info)
      for tile in Tiles.ranges(of: 0..<bytes.count) {
        digest.update(UnsafeRawBufferPointer(rebasing: bytes[tile]))
        discard(info.name, tile)
      }
      return digest.finalize()
    }
  }

  /// The digest of every tensor, in name order.
  func tensorDigests(
    _ workers: Workers
  ) throws(PatchError) -> [(name: String, digest: Digest)] {
    let infos = tensors
    let digests = try workers.map(weights: infos.map(\.byteCount)) { (index) throws(PatchError) in
      try tensorDigest(infos[index])
    }
    return zip(infos, digests).map { ($0.name, $1) }
  }
}

/// The digest of a tensor whose bytes arrive in pieces.
struct TensorDigest {
  private var hasher = StreamingDigest()

  init(_ info: TensorInfo) {
    hasher.update(Fingerprint.tensorPrologue(dtype: info.dtype, shape: info.shape))
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }

  func finalize() -> Digest { hasher.finalize() }
}
