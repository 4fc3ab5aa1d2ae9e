import CTKCore
import Synchronization

/// Writer of a journal; several threads may append at once.
///
/// The journal takes effect when `commit` returns: its file appears under its
/// name only complete and durable.
final class JournalWriter: Sendable {
  private struct State: ~Copyable {
    var file: AtomicFile?
    var hasher = StreamingDigest()

    init(_ file: consuming AtomicFile) { self.file = consume file }

    mutating func append(_ bytes: [UInt8]) throws(CoreError) {
      hasher.update(bytes)
      try file?.write(bytes)
    }
  }

  private let state: Mutex<State>

  /// - Throws: `output.*`.
  init(path: String, _ description: Journal.Description) throws(PatchError) {
    let file = try PatchError.wrap { () throws(CoreError) in try AtomicFile(path: path) }
    state = Mutex(State(file))
    let text = Array(description.json.compactText.utf8)
    try append(
      Journal.magic + withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text)
  }

  /// Appends records.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`; nothing has taken effect.
  func append(_ records: [UInt8]) throws(PatchError) {
    if records.isEmpty { return }
    try state.withLock { (state) throws(PatchError) in
      try PatchError.wrap { () throws(CoreError) in try state.append(records) }
    }
  }

  /// Seals the journal and makes it durable: the point of no return.
  func commit() throws(PatchError) {
    try state.withLock { (state) throws(PatchError) in
      do throws(CoreError) {
        try state.file?.write(state.hasher.finalize().bytes)
        if let file = state.file.take() { try file.commit() }
      } catch {
        throw PatchError(wrapping: error)
      }
    }
  }
}
