import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Owner of a read-only memory mapping of a whole file.
///
/// The file must not shrink while mapped; ctk itself only ever replaces files
/// by renaming, which leaves a mapping intact.
public struct MappedFile: ~Copyable, Sendable {
  public let path: String
  public let byteCount: Int
  private let address: UInt
  /// Parts of all mappings, as addresses, whose memory is still to be given back.
  private static let unneeded = Mutex(PendingRanges())

  /// - Throws: `file.missing`, `file.not-regular`, `file.unreadable`.
  public init(path: String) throws(CoreError) {
    let (address, byteCount) = try MappedFile.map(path)
    self.path = path
    self.byteCount = byteCount
    self.address = address
  }

  deinit {
    guard let base = UnsafeMutableRawPointer(bitPattern: address) else { return }
    let addresses = Int(address)..<Int(address) + byteCount
    // Something else may be mapped here soon.
    Self.unneeded.withLock { $0.remove(within: addresses) }
    munmap(base, byteCount)
  }

  /// Lends the file's bytes.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: byteCount))
  }

  /// Tells the system that a range is no longer needed, so that streaming over
  /// a large file does not count as resident memory.
  ///
  /// Giving memory back stops every thread of the process for a moment, so ranges are
  /// gathered; up to 32 MB of all files stay in memory.
  public func discard(_ range: Range<Int>) {
    let part = range.clamped(to: 0..<byteCount)
    let start = Int(address)
    // Under the lock no file that is named there goes away.
    Self.unneeded.withLock { pending in
      for run in pending.add(start + part.lowerBound..<start + part.upperBound) {
        Self.release(run)
      }
    }
  }

  /// Gives back the pages that lie within a run of addresses.
  private static func release(_ run: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (run.lowerBound + page - 1) / page * page
    let end = run.upperBound / page * page
    guard start < end else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED)
  }

  private static func map(_ path: String) throws(CoreError) -> (address: UInt, byteCount: Int) {
    let descriptor = try openToRead(path)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw CoreError(.fileUnreadable, errnoText(errno), path: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw CoreError(
        .fileNotRegular, "this is not a regular file", path: path,
        hint: "give a file; pipes, devices and folders cannot be mapped")
    }
    let byteCount = Int(status.st_size)
    if byteCount == 0 { return (0, 0) }
    let mapping = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let mapping, mapping != MAP_FAILED else {
      throw CoreError(.fileUnreadable, "cannot map the file: \(errnoText(errno))", path: path)
    }
    return (UInt(bitPattern: mapping), byteCount)
  }
}

/// Reads a small file whole.
///
/// - Throws: as `MappedFile`, and `file.unreadable` above `limit` bytes.
public func readSmallFile(_ path: String, limit: Int = 64 << 20) throws(CoreError) -> [UInt8] {
  let file = try MappedFile(path: path)
  if file.byteCount > limit {
    throw CoreError(
      .fileUnreadable, "the file has \(file.byteCount) bytes, more than the \(limit) allowed",
      path: path)
  }
  return file.withBytes { Array($0) }
}
