import CTKCore
import CTKSafetensors

/// Streaming of a source's tensors into `model.safetensors`.
enum WeightsExport {
  struct Result {
    let fingerprint: Digest
    let overflows: [ImportReport.Overflow]
  }

  /// Bytes that are hashed and written while they are in the cache.
  private static let pieceByteCount = 1 << 18

  /// Writes every tensor, hashing it on the way.
  ///
  /// - Throws: `import.not-finite`, and the codes of reading and writing.
  static func write(
    _ source: SourceCheckpoint, to path: String, progress: ProgressHandler?
  ) throws(CheckpointError) -> Result {
    try CheckpointError.catching {
      var writer = try SafetensorsWriter(
        path: path, tensors: source.tensors, metadata: ["format": "pt"])
      var digests: [(name: String, digest: Digest)] = []
      var overflows: [ImportReport.Overflow] = []
      for (position, target) in writer.order.enumerated() {
        let (digest, overflowCount) = try source.withConversion(of: target.name) { conversion in
          try requireFinite(conversion)
          return (try write(conversion.bytes, of: target, to: &writer), conversion.overflowCount)
        }
        digests.append((target.name, digest))
        if overflowCount > 0 { overflows.append(.init(target: target.name, count: overflowCount)) }
        source.discard(target.name)
        progress?(
          ProgressEvent(
            stage: "import", completed: position + 1, total: writer.order.count, unit: "tensors"))
      }
      try writer.commit()
      return Result(
        fingerprint: Fingerprint.checkpoint(digests),
        overflows: overflows.sorted { utf8Precedes($0.target, $1.target) })
    }
  }

  private static func requireFinite(
    _ conversion: SourceCheckpoint.Conversion
  ) throws(CheckpointError) {
    let source = conversion.step.source
    guard let index = FiniteScan.firstNonFinite(conversion.sourceBytes, source.dtype) else {
      return
    }
    throw CheckpointError(
      .notFinite,
      "'\(source.name)' holds a NaN or an infinity, first in element \(index) of shape "
        + "\(source.shape)",
      hint: "a model with such a weight cannot be a base")
  }

  private static func write(
    _ bytes: UnsafeRawBufferPointer, of target: TensorInfo, to writer: inout SafetensorsWriter
  ) throws(SafetensorsError) -> Digest {
    var hasher = StreamingDigest()
    hasher.update(Fingerprint.tensorPrologue(dtype: target.dtype, shape: target.shape))
    for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
      let end = min(start + pieceByteCount, bytes.count)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      hasher.update(piece)
      try writer.write(piece)
    }
    return hasher.finalize()
  }
}
