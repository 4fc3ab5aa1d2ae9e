import CZlib

/// The zlib strategies a part is tried with.
enum DeflateStrategy: CaseIterable {
  case matches
  case runs
  case huffmanOnly

  var zlibValue: Int32 {
    switch self {
    case .matches: Z_DEFAULT_STRATEGY
    case .runs: Z_RLE
    case .huffmanOnly: Z_HUFFMAN_ONLY
    }
  }
}

/// Whole zlib streams (RFC 1950) in memory.
enum Deflate {
  /// Compresses `bytes`, or returns nil when the result would reach `limit` bytes.
  static func compress(
    _ bytes: UnsafeBufferPointer<UInt8>, strategy: DeflateStrategy, below limit: Int
  ) -> [UInt8]? {
    var stream = z_stream()
    guard ctk_deflate_init2(&stream, 6, 15, 9, strategy.zlibValue) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    var isComplete = false
    let output = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
      stream.avail_in = UInt32(bytes.count)
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(limit)
      isComplete = deflate(&stream, Z_FINISH) == Z_STREAM_END
      count = limit - Int(stream.avail_out)
    }
    return isComplete && output.count < limit ? output : nil
  }

  /// Inflates a stream that must fill `output` exactly and end with its input.
  static func inflate(
    _ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(StreamFault) {
    guard bytes.count <= UInt32.max, output.count <= UInt32.max else {
      throw .damaged("a part is too long")
    }
    var stream = z_stream()
    guard ctk_inflate_init2(&stream, 15) == Z_OK else {
      throw .damaged("cannot be inflated: zlib has no memory")
    }
    defer { inflateEnd(&stream) }
    let input = bytes.assumingMemoryBound(to: UInt8.self)
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
    stream.avail_in = UInt32(bytes.count)
    stream.next_out = output.baseAddress
    stream.avail_out = UInt32(output.count)
    let status = CZlib.inflate(&stream, Z_FINISH)
    guard status == Z_STREAM_END, stream.avail_out == 0, stream.avail_in == 0 else {
      throw .damaged("a part does not inflate to its \(output.count) bytes")
    }
  }
}
