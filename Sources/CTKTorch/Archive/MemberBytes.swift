import CTKCore
import CZlib

/// Bytes of archive members, checked against their CRC-32.
enum MemberBytes {
  /// Bytes of a storage that are checked before they are given back to the system.
  static let windowByteCount = 8 << 20

  /// Reads a small member, stored or deflated.
  ///
  /// - Throws: `torch.limit-exceeded`, `torch.archive-invalid`, `torch.checksum-mismatch`.
  static func read(
    _ entry: ZipEntry, of file: UnsafeRawBufferPointer, limit: Int
  ) throws(TorchError) -> [UInt8] {
    guard entry.uncompressedByteCount <= limit else {
      throw TorchError(
        .limitExceeded,
        "member '\(entry.name)' has \(entry.uncompressedByteCount) bytes, more than \(limit)")
    }
    let stored = UnsafeRawBufferPointer(rebasing: file[entry.range])
    let bytes: [UInt8]
    switch entry.method {
    case .stored: bytes = Array(stored)
    case .deflated: bytes = try inflate(stored, entry)
    }
    guard checksum(bytes, after: 0) == entry.checksum else { throw mismatch(entry) }
    return bytes
  }

  /// The running CRC-32 of a buffer.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32) -> UInt32 {
    let words = bytes.bindMemory(to: UInt8.self)
    return UInt32(truncatingIfNeeded: crc32_z(UInt(previous), words.baseAddress, words.count))
  }

  static func mismatch(_ entry: ZipEntry) -> TorchError {
    TorchError(
      .checksumMismatch, "the bytes of member '\(entry.name)' do not have its CRC-32",
      hint: "the file is damaged; fetch it again")
  }

  private static func checksum(_ bytes: [UInt8], after previous: UInt32) -> UInt32 {
    let span = bytes.span
    return span.withUnsafeBytes { checksum($0, after: previous) }
  }

  private static func inflate(
    _ bytes: UnsafeRawBufferPointer, _ entry: ZipEntry
  ) throws(TorchError) -> [UInt8] {
    let count = entry.uncompressedByteCount
    guard
      count
        <= (bytes.count + 1).multipliedReportingOverflow(by: TorchLimits.deflateRatio)
        .partialValue
    else {
      throw TorchError(
        .limitExceeded, "member '\(entry.name)' declares more bytes than deflate can hold")
    }
    var stream = z_stream()
    guard ctk_inflate_init2(&stream, -15) == Z_OK else {
      throw TorchError(.limitExceeded, "zlib has no memory")
    }
    defer { inflateEnd(&stream) }
    var isWhole = false
    let output = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.next_in = UnsafeMutablePointer(
        mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(bytes.count)
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(count)
      isWhole =
        CZlib.inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0
        && stream.avail_in == 0
      initialized = count - Int(stream.avail_out)
    }
    guard isWhole else {
      throw TorchError(
        .archiveInvalid, "member '\(entry.name)' does not inflate to its \(count) bytes")
    }
    return output
  }
}
