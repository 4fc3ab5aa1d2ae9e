import CTKCore
import CTKSafetensors

/// Streaming of a source's tensors into `model.safetensors`.
enum WeightsExport {
  struct Result {
    let fingerprint: Digest
    let overflows: [ImportReport.Overflow]
    let notFinite: [ImportReport.NotFinite]
  }

  /// Bytes that are hashed and written while they are in the cache.
  private static let pieceByteCount = 1 << 18

  /// Writes every tensor, hashing it on the way.
  ///
  /// - Throws: `import.not-finite` unless `allowsNotFinite`, and the codes of reading and writing.
  static func write(
    _ source: SourceCheckpoint, to path: String, allowsNotFinite: Bool, progress: ProgressHandler?
  ) throws(CheckpointError) -> Result {
    try CheckpointError.catching {
      var writer = try SafetensorsWriter(
        path: path, tensors: source.tensors, metadata: ["format": "pt"])
      var digests: [(name: String, digest: Digest)] = []
      var overflows: [ImportReport.Overflow] = []
      var notFinite: [ImportReport.NotFinite] = []
      for (position, target) in writer.order.enumerated() {
        try source.withConversion(of: target.name) { conversion in
          if let found = scan(conversion) { notFinite.append(found) }
          // An import that will fail goes on only to name every such tensor.
          if !notFinite.isEmpty && !allowsNotFinite { return }
          digests.append((target.name, try write(conversion.bytes, of: target, to: &writer)))
          if conversion.overflowCount > 0 {
            overflows.append(.init(target: target.name, count: conversion.overflowCount))
          }
        }
        source.discard(target.name)
        progress?(
          ProgressEvent(
            stage: "import", completed: position + 1, total: writer.order.count, unit: "tensors"))
      }
      if !allowsNotFinite { try requireFinite(notFinite) }
      try writer.commit()
      return Result(
        fingerprint: Fingerprint.checkpoint(digests),
        overflows: overflows.sorted { utf8Precedes($0.target, $1.target) },
        notFinite: notFinite.sorted { utf8Precedes($0.target, $1.target) })
    }
  }

  private static func scan(_ conversion: SourceCheckpoint.Conversion) -> ImportReport.NotFinite? {
    let (source, bytes) = (conversion.source, conversion.sourceBytes)
    guard let index = FiniteScan.firstNonFinite(bytes, source.dtype) else { return nil }
    let counts = FiniteScan.counts(bytes, source.dtype)
    return ImportReport.NotFinite(
      source: source.name, target: conversion.target.name, nan: counts.nan,
      infinite: counts.infinite, firstIndex: index)
  }

  private static func requireFinite(
    _ found: [ImportReport.NotFinite]
  ) throws(CheckpointError) {
    if found.isEmpty { return }
    let tensors = found.map {
      "'\($0.source)' (\($0.nan) NaN, \($0.infinite) infinite, first in element \($0.firstIndex))"
    }
    throw CheckpointError(
      .notFinite, "weights are not finite: \(tensors.joined(separator: ", "))",
      hint: "such a model cannot be a base; without --strict it is imported all the same")
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
