/// Identity of weights, whatever container, sharding or order they come in.
///
/// Defined in `formats/fingerprint.md`.
public enum Fingerprint {
  /// Digest of one tensor: SHA-256 over its dtype, shape and little-endian bytes.
  ///
  /// The hashed text is the dtype's safetensors name, a line feed, the decimal
  /// extents joined by commas, a line feed, then the bytes.
  public static func tensor(_ info: TensorInfo, bytes: UnsafeRawBufferPointer) -> Digest {
    var hasher = StreamingDigest()
    hasher.update(tensorPrologue(dtype: info.dtype, shape: info.shape))
    hasher.update(bytes)
    return hasher.finalize()
  }

  /// The bytes hashed before a tensor's data.
  public static func tensorPrologue(dtype: DType, shape: [Int]) -> String {
    "\(dtype.rawValue)\n\(shape.map(String.init).joined(separator: ","))\n"
  }

  /// Digest of a checkpoint: SHA-256 over the (name, tensor digest) pairs sorted
  /// by name, each as the name's UTF-8 byte count in decimal, a line feed, the
  /// name, a line feed, 64 hexadecimal digits and a line feed.
  public static func checkpoint(_ tensors: [(name: String, digest: Digest)]) -> Digest {
    var hasher = StreamingDigest()
    for tensor in tensors.sorted(by: { utf8Precedes($0.name, $1.name) }) {
      hasher.update("\(tensor.name.utf8.count)\n\(tensor.name)\n\(tensor.digest.hex)\n")
    }
    return hasher.finalize()
  }

  /// Digests of every tensor of a source, in name order.
  public static func digests(
    of source: any TensorSource
  ) throws -> [(name: String, digest: Digest)] {
    try source.tensors.map { info in
      let digest = try source.withTensorBytes(info.name) { tensor(info, bytes: $0) }
      return (info.name, digest)
    }
  }

  /// Digest of a whole source.
  public static func of(_ source: any TensorSource) throws -> Digest {
    checkpoint(try digests(of: source))
  }
}
