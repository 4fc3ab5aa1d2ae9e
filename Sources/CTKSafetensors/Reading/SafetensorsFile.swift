public import CTKCore
import Synchronization

/// A memory-mapped safetensors file; tensors are lent without copying.
public final class SafetensorsFile: TensorSource {
  public let path: String
  /// The `__metadata__` block; empty when absent.
  public let metadata: [String: String]
  public let tensors: [TensorInfo]
  /// Oddities that do not make the file unreadable, one sentence each.
  public let findings: [String]

  private let file: MappedFile
  private let entries: [UTF8Key: SafetensorsHeader.Entry]
  /// Held once bytes are lent for good.
  private let lock = Mutex<FileLock?>(nil)

  /// Maps a file and checks its whole header; the tensors' bytes are not touched.
  ///
  /// - Parameter allowsUnfinishedChange: opens a file that a change in place has
  ///   left half written, instead of `safetensors.change-unfinished`.
  /// - Throws: the codes of `MappedFile` and, for a file that breaks a rule of the
  ///   format, the `safetensors.*` code of that rule.
  public init(
    path: String, allowsUnfinishedChange: Bool = false
  ) throws(SafetensorsError) {
    if !allowsUnfinishedChange { try Self.requireFinished(path) }
    let file = try SafetensorsError.wrap { () throws(CoreError) in try MappedFile(path: path) }
    let header: SafetensorsHeader
    do {
      header = try file.withBytes { (bytes) throws(SafetensorsError) in
        try SafetensorsHeader(file: bytes)
      }
    } catch {
      throw error.at(path)
    }
    self.path = path
    self.file = file
    metadata = header.metadata
    findings = header.findings
    tensors = header.entries.map(\.info).sorted { utf8Precedes($0.name, $1.name) }
    entries = Dictionary(header.entries.map { (UTF8Key($0.info.name), $0) }) { first, _ in first }
  }

  public func info(of name: String) -> TensorInfo? { entries[UTF8Key(name)]?.info }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let range = try requireEntry(name).range
    return try file.withBytes { bytes in
      try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }

  /// Keeps changes in place away as long as this object lives; nil beside one.
  public func residentBytes(of name: String) -> UnsafeRawBufferPointer? {
    guard let range = byteRange(of: name), takesLock() else { return nil }
    // The mapping lives as long as this object.
    return file.withBytes { UnsafeRawBufferPointer(rebasing: $0[range]) }
  }

  /// Lends the whole file, as it was when it was opened.
  public func withFileBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try file.withBytes(body)
  }

  /// Where the tensor's bytes lie in the file.
  public func byteRange(of name: String) -> Range<Int>? { entries[UTF8Key(name)]?.range }

  /// Gives back the memory a tensor's bytes took while they were read.
  ///
  /// They can be read again, from the disk. An unknown name has no effect.
  ///
  /// - Parameter part: bytes of the tensor, nil for all of them.
  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let range = entries[UTF8Key(name)]?.range else { return }
    let start = range.lowerBound
    file.discard(part.map { start + $0.lowerBound..<start + $0.upperBound } ?? range)
  }

  private func takesLock() -> Bool {
    lock.withLock { lock in
      if lock == nil { lock = try? FileLock(path: path, .shared) }
      return lock != nil
    }
  }

  private func requireEntry(_ name: String) throws(CoreError) -> SafetensorsHeader.Entry {
    guard let entry = entries[UTF8Key(name)] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: path)
    }
    return entry
  }
}
