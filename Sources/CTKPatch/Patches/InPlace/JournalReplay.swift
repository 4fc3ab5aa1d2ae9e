import CTKCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A journal that took effect, and its completion.
///
/// Every step may be done again, so a replay that is killed is simply repeated.
struct JournalReplay: ~Copyable {
  let description: Journal.Description
  private let file: MappedFile
  private let records: Range<Int>

  /// Opens a journal and checks its digest.
  ///
  /// - Throws: `patch.journal-damaged`, and the codes of `MappedFile`.
  init(path: String) throws(PatchError) {
    let file = try PatchError.wrap { () throws(CoreError) in try MappedFile(path: path) }
    let records: Range<Int>
    do throws(HeaderFault) {
      (description, records) = try file.withBytes { (bytes) throws(HeaderFault) in
        try Self.parse(bytes) { file.discard($0) }
      }
    } catch {
      throw Self.damaged("\(error)", path: path)
    }
    self.file = file
    self.records = records
  }

  private static func parse(
    _ bytes: UnsafeRawBufferPointer, discard: (Range<Int>) -> Void
  ) throws(HeaderFault) -> (Journal.Description, Range<Int>) {
    let head = Journal.magic.count + 8
    let end = bytes.count - Journal.digestByteCount
    guard end >= head, bytes[..<Journal.magic.count].elementsEqual(Journal.magic) else {
      throw .damaged("it has \(bytes.count) bytes or another beginning")
    }
    var hasher = StreamingDigest()
    for tile in Tiles.ranges(of: 0..<end) {
      hasher.update(UnsafeRawBufferPointer(rebasing: bytes[tile]))
      discard(tile)
    }
    guard hasher.finalize().bytes == Array(bytes[end...]) else {
      throw .damaged("it does not match its digest")
    }
    let count = UInt64(
      littleEndian: bytes.loadUnaligned(fromByteOffset: head - 8, as: UInt64.self))
    guard count <= UInt64(min(Journal.descriptionLimit, end - head)) else {
      throw .damaged("a description of \(count) bytes")
    }
    let start = head + Int(count)
    let json: JSONValue
    do {
      json = try JSONParser.parse(UnsafeRawBufferPointer(rebasing: bytes[head..<start]))
    } catch {
      throw .damaged(error.message)
    }
    return (try Journal.Description(json: json), start..<end)
  }

  private static func damaged(_ what: String, path: String) -> PatchError {
    PatchError(
      .journalDamaged, "the journal of an unfinished change is damaged: \(what)", path: path,
      hint: "restore the model from an intact copy and remove the journal")
  }

  /// Brings the model to the state that the journal leads to; the journal stays.
  ///
  /// - Throws: `patch.journal-damaged`, `file.missing`, `output.*`.
  func run(on model: borrowing InPlaceModel) throws(PatchError) {
    try writeWords(model)
    for name in description.replaced where Folder.fileExists(model.stagedPath(name)) {
      guard rename(model.stagedPath(name), model.filePath(name)) == 0 else {
        throw PatchError(
          wrapping: CoreError(
            .outputWriteFailed, "cannot replace the file: \(errnoText(errno))",
            path: model.filePath(name)))
      }
      model.onStep()
    }
    for name in description.removed {
      unlink(model.filePath(name))
      model.onStep()
    }
    Output.syncFolder(of: model.journalPath)
  }

  private func writeWords(_ model: borrowing InPlaceModel) throws(PatchError) {
    var windows: [PageWriter] = []
    for file in description.files {
      windows.append(try PageWriter(path: model.filePath(file.name), byteCount: file.byteCount))
    }
    let path = model.journalPath
    try file.withBytes { (bytes) throws(PatchError) in
      var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: bytes[records]))
      var released = 0
      while !cursor.isAtEnd {
        let record: RedoRecord
        do throws(StreamFault) {
          record = try RedoRecord(&cursor, byteCounts: description.files.map(\.byteCount))
        } catch {
          throw Self.damaged("\(error)", path: path)
        }
        try windows[record.file].write(record)
        model.onStep()
        if cursor.position - released > Tiles.byteCount {
          file.discard(records.lowerBound + released..<records.lowerBound + cursor.position)
          released = cursor.position
        }
      }
    }
    for window in windows { try window.sync() }
  }
}

/// Writer of changed pages of one file.
private final class PageWriter {
  private static let pageByteCount = 4096

  private let path: String
  private let descriptor: Int32

  /// - Throws: `file.missing`, `file.changed`, `output.write-failed`.
  init(path: String, byteCount: Int) throws(PatchError) {
    descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    self.path = path
    if descriptor < 0 {
      throw PatchError(
        wrapping: CoreError(
          errno == ENOENT ? .fileMissing : .outputWriteFailed, errnoText(errno), path: path))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Int(status.st_size) == byteCount else {
      throw PatchError(
        wrapping: CoreError(
          .fileChanged, "the file has \(status.st_size) bytes, not the \(byteCount) of the journal",
          path: path, hint: "restore the model from an intact copy"))
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Writes a record's words, and of the file only pages that they change.
  func write(_ record: RedoRecord) throws(PatchError) {
    let range = record.range
    var window = [UInt8](repeating: 0, count: range.count)
    if record.positions != nil { try read(&window, at: range.lowerBound) }
    var runs: [Range<Int>] = []
    window.withUnsafeMutableBytes { window in
      record.write(to: window) { changed in
        let pages = Self.pages(of: changed, at: range.lowerBound, limit: range.count)
        if let last = runs.last, pages.lowerBound <= last.upperBound {
          runs[runs.count - 1] = last.lowerBound..<max(last.upperBound, pages.upperBound)
        } else {
          runs.append(pages)
        }
      }
    }
    for run in runs { try write(window[run], at: range.lowerBound + run.lowerBound) }
  }

  /// The part of a window that lies in the pages of some of its bytes.
  private static func pages(of bytes: Range<Int>, at start: Int, limit: Int) -> Range<Int> {
    let first = (start + bytes.lowerBound) / pageByteCount * pageByteCount - start
    let last =
      (start + bytes.upperBound + pageByteCount - 1) / pageByteCount * pageByteCount - start
    return max(first, 0)..<min(last, limit)
  }

  private func read(_ window: inout [UInt8], at offset: Int) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      var span = window.mutableSpan
      try span.withUnsafeMutableBytes { (bytes) throws(CoreError) in
        try PositionedInput(path: path, descriptor: descriptor).read(into: bytes, at: offset)
      }
    }
  }

  private func write(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      try bytes.span.withUnsafeBytes { (bytes) throws(CoreError) in
        try PositionedOutput(path: path, descriptor: descriptor).write(bytes, at: offset)
      }
    }
  }

  func sync() throws(PatchError) {
    guard fsync(descriptor) == 0 else {
      throw PatchError(
        wrapping: CoreError(.outputWriteFailed, errnoText(errno), path: path))
    }
  }
}
