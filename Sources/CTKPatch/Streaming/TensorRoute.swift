import CTKCore

/// How one tensor of a result is made from a source.
struct TensorRoute: Sendable {
  let name: String
  /// The tensor in the source and in the result; nil where it does not exist.
  let source: TensorInfo?
  let result: TensorInfo?
  /// Digests that the patches declare for both; nil for an untouched tensor.
  let declared: (source: Digest?, result: Digest?)
  let isTouched: Bool
  /// The tensor of the source whose bytes the operations begin with, which for
  /// an alias is another one.
  let origin: TensorInfo?
  let operations: [TensorOperation]

  /// Whether the tensor exists on both sides, with as many bytes, or on neither.
  var keepsByteCount: Bool { source.map(\.byteCount) == result.map(\.byteCount) }

  /// Bytes that have to be read and hashed, for sharing out the work.
  var weight: Int { (source?.byteCount ?? 0) + (isTouched ? result?.byteCount ?? 0 : 0) }
}

/// Digests of a tensor in the source and in the result, as found.
struct RouteDigests: Sendable, Equatable {
  let source: Digest?
  let result: Digest?
}

extension TensorRoute {
  /// Receiver of the result's bytes, in order, with where they lie in the tensor.
  typealias Sink = (Int, UnsafeRawBufferPointer) throws(PatchError) -> Void

  /// Makes the tensor a tile at a time.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`, and the codes of the source
  ///   and of `sink`; digests are found here and judged by the caller.
  func run(
    _ tensors: any TensorSource, in buffers: TileBuffers = TileBuffers(),
    _ sink: Sink = { _, _ in }
  ) throws(PatchError) -> RouteDigests {
    guard isTouched else {
      let digest = try source.map { (info) throws(PatchError) in
        try copy(info, of: tensors, sink)
      }
      return RouteDigests(source: digest, result: digest)
    }
    guard let result else {
      return RouteDigests(source: try ownDigest(tensors), result: nil)
    }
    return try withReaders(operations[...], []) { (readers) throws(PatchError) in
      try transform(&readers, to: result, tensors, buffers, sink)
    }
  }

  private func ownDigest(_ tensors: any TensorSource) throws(PatchError) -> Digest? {
    try source.map { (info) throws(PatchError) in try tensors.tensorDigest(info) }
  }

  private func copy(
    _ info: TensorInfo, of tensors: any TensorSource, _ sink: Sink
  ) throws(PatchError) -> Digest {
    try tensors.lend(name) { (bytes) throws(PatchError) in
      var digest = TensorDigest(info)
      for range in Tiles.ranges(of: 0..<bytes.count) {
        let tile = UnsafeRawBufferPointer(rebasing: bytes[range])
        digest.update(tile)
        try sink(range.lowerBound, tile)
        tensors.discard(name, range)
      }
      return digest.finalize()
    }
  }
}

// MARK: Touched tensors

extension TensorRoute {
  /// Opens the streams of all operations for the time of `body`.
  private func withReaders(
    _ rest: ArraySlice<TensorOperation>, _ readers: [OperationReader],
    _ body: (inout [OperationReader]) throws(PatchError) -> RouteDigests
  ) throws(PatchError) -> RouteDigests {
    guard let operation = rest.first, let stream = operation.entry.streamName else {
      var readers = readers
      return try body(&readers)
    }
    return try operation.patch.withStream(stream) { (bytes) throws(PatchError) in
      let reader = try operation.checked { () throws(StreamFault) in
        try OperationReader(operation, stream: bytes)
      }
      return try withReaders(rest.dropFirst(), readers + [reader], body)
    }
  }

  private func transform(
    _ readers: inout [OperationReader], to result: TensorInfo, _ tensors: any TensorSource,
    _ buffers: TileBuffers, _ sink: Sink
  ) throws(PatchError) -> RouteDigests {
    guard let origin else {
      var digest = TensorDigest(result)
      try transform(
        &readers, nil, to: result, in: buffers, { _, made in digest.update(made) }, sink)
      return RouteDigests(source: try ownDigest(tensors), result: digest.finalize())
    }
    let isOwn = UTF8Key(origin.name) == UTF8Key(name)
    var (before, after) = (TensorDigest(origin), TensorDigest(result))
    try tensors.lend(origin.name) { (bytes) throws(PatchError) in
      try transform(
        &readers, bytes, to: result, in: buffers,
        { range, made in
          let present = range.clamped(to: 0..<bytes.count)
          if isOwn { before.update(UnsafeRawBufferPointer(rebasing: bytes[present])) }
          after.update(made)
          tensors.discard(origin.name, present)
        }, sink)
    }
    return RouteDigests(
      source: try isOwn ? before.finalize() : ownDigest(tensors), result: after.finalize())
  }

  /// - Parameter hash: receives the result's bytes with the range of the tile, before it
  ///   goes to `sink`.
  private func transform(
    _ readers: inout [OperationReader], _ original: UnsafeRawBufferPointer?,
    to result: TensorInfo, in buffers: TileBuffers,
    _ hash: (Range<Int>, UnsafeRawBufferPointer) -> Void, _ sink: Sink
  ) throws(PatchError) {
    let byteCount = operations.reduce(max(original?.count ?? 0, result.byteCount)) {
      max($0, $1.result?.info.byteCount ?? 0)
    }
    let span = readers.reduce(Tiles.byteCount) { max($0, $1.tileByteCount) }
    try buffers.lend(min(span, byteCount)) { (buffer) throws(PatchError) in
      for range in Tiles.ranges(of: 0..<byteCount, by: span) {
        let tile = UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
        if let original { copy(original, range, to: tile) }
        for index in readers.indices {
          try operations[index].checked { () throws(StreamFault) in
            try readers[index].transform(tile, at: range.lowerBound)
          }
        }
        let made = UnsafeRawBufferPointer(
          rebasing: tile[..<max(0, min(range.count, result.byteCount - range.lowerBound))])
        hash(range, made)
        if !made.isEmpty { try sink(range.lowerBound, made) }
      }
    }
    for index in readers.indices {
      try operations[index].checked { () throws(StreamFault) in try readers[index].finish() }
    }
  }

  private func copy(
    _ original: UnsafeRawBufferPointer, _ range: Range<Int>,
    to tile: UnsafeMutableRawBufferPointer
  ) {
    let present = range.clamped(to: 0..<original.count)
    if present.isEmpty { return }
    let start = present.lowerBound - range.lowerBound
    UnsafeMutableRawBufferPointer(rebasing: tile[start..<start + present.count])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: original[present]))
  }
}

extension TensorOperation {
  /// Runs a step of decoding, with its fault as an error about the stream.
  fileprivate func checked<Result>(
    _ body: () throws(StreamFault) -> Result
  ) throws(PatchError) -> Result {
    do {
      return try body()
    } catch {
      throw error.inPatch(entry.streamName ?? entry.name, path: patch.path)
    }
  }
}
