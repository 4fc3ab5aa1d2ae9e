public import CTKCore
import Synchronization

/// The state dict of a memory-mapped PyTorch file.
///
/// The pickle inside is interpreted, never executed. Tensors without gaps are lent without
/// copying, others are gathered when asked for. A storage's CRC-32 is checked before its first
/// tensor is lent.
public final class TorchFile: TensorSource {
  public let path: String
  public let tensors: [TensorInfo]
  /// Oddities that do not make the file unreadable, one sentence each.
  public let findings: [String]
  /// Tensors that are the same view as an earlier one of the same storage: name to that name.
  public let aliases: [String: String]

  /// Lists and tuples of whole numbers, by names like those of tensors.
  public let integerLists: [String: [Int]]

  private let file: MappedFile
  private let isBigEndian: Bool
  private let entries: [String: TorchEntry]
  private let checkedStorages = Mutex<Set<Int>>([])

  /// Maps a file and checks its directory, its pickle and every tensor's place; the tensors'
  /// bytes are not touched.
  ///
  /// - Throws: the `torch.*` and `zip.*` codes, and those of `MappedFile`.
  public init(path: String) throws(TorchError) {
    let file = try TorchError.wrap { () throws(CoreError) in try MappedFile(path: path) }
    let directory: TorchDirectory
    do {
      directory = try file.withBytes { (bytes) throws(TorchError) in
        try TorchDirectory(file: bytes)
      }
    } catch {
      throw error.at(path)
    }
    self.path = path
    self.file = file
    isBigEndian = directory.isBigEndian
    tensors = directory.entries.map(\.info)
    findings = directory.findings
    aliases = directory.aliases
    integerLists = directory.integerLists
    entries = Dictionary(directory.entries.map { ($0.info.name, $0) }) { first, _ in first }
  }

  /// Whether a file's first bytes are those of a zip archive or of an older torch file.
  ///
  /// - Throws: the codes of `MappedFile`.
  public static func recognises(_ path: String) throws(CoreError) -> Bool {
    try MappedFile(path: path).withBytes { FileRecognition.isTorch($0) }
  }

  public func info(of name: String) -> TensorInfo? { entries[name]?.info }

  /// - Throws: `tensor.missing`, `torch.checksum-mismatch`.
  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = entries[name] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: path)
    }
    try checkStorage(entry)
    return try file.withBytes { bytes in
      let range = entry.range
      let source = UnsafeRawBufferPointer(rebasing: bytes[range])
      if entry.view.isContiguous && !isBigEndian { return try body(source) }
      return try withUnsafeTemporaryAllocation(
        byteCount: entry.info.byteCount, alignment: 16
      ) { target in
        StridedGather.copy(entry.view, from: source, to: target)
        if isBigEndian { StridedGather.swapBytes(target, unit: entry.info.dtype.swapByteCount) }
        return try body(UnsafeRawBufferPointer(target))
      }
    }
  }

  /// Gives back the memory a tensor's bytes, or a part of them, took while they were read.
  ///
  /// They can be read again, from the disk. An unknown name has no effect.
  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let entry = entries[name] else { return }
    let start = entry.range.lowerBound
    // The parts of a gathered tensor are not those of the file.
    let isLent = entry.view.isContiguous && !isBigEndian
    let lent = isLent ? part.map { start + $0.lowerBound..<start + $0.upperBound } : nil
    file.discard(lent ?? entry.range)
  }

  /// Checks a storage once, giving its pages back on the way when it is much larger than the
  /// tensor.
  private func checkStorage(_ entry: TorchEntry) throws(TorchError) {
    if checkedStorages.withLock({ $0.contains(entry.storage) }) { return }
    let member = entry.member
    let keepsPages = entry.view.byteSpan >= member.range.count / 2
    let checksum = file.withBytes { bytes in
      var checksum: UInt32 = 0
      var start = member.range.lowerBound
      while start < member.range.upperBound {
        let end = min(start + MemberBytes.windowByteCount, member.range.upperBound)
        checksum = MemberBytes.checksum(
          UnsafeRawBufferPointer(rebasing: bytes[start..<end]), after: checksum)
        if !keepsPages { file.discard(start..<end) }
        start = end
      }
      return checksum
    }
    guard checksum == member.checksum else { throw MemberBytes.mismatch(member).at(path) }
    checkedStorages.withLock { _ = $0.insert(entry.storage) }
  }
}

extension DType {
  /// Bytes that a big-endian machine stores in reverse.
  fileprivate var swapByteCount: Int { self == .c64 ? 4 : bitWidth / 8 }
}
