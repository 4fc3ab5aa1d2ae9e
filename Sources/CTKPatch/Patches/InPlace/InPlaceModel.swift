import CTKCore
import CTKSafetensors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A model that is changed where it lies: a folder or a single file, locked
/// against other commands while this value exists.
struct InPlaceModel: ~Copyable {
  let path: String
  /// The folder that holds the files.
  let folder: String
  let journalPath: String
  /// Whether the small files of the folder belong to the model.
  let isFolder: Bool
  /// Called between the steps of a change.
  let onStep: @Sendable () -> Void
  private let locks: [FileLock]

  /// - Parameter path: a folder, a shard index, which stands for its folder, or a
  ///   single file.
  /// - Throws: `patch.busy`, `file.missing`, `file.unreadable`.
  init(path: String, onStep: @escaping @Sendable () -> Void) throws(PatchError) {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let isIndex = !Folder.exists(trimmed) && trimmed.hasSuffix(".json")
    let root = isIndex ? Output.parentFolder(of: trimmed) : trimmed
    isFolder = Folder.exists(root)
    self.path = trimmed
    folder = isFolder ? root : Output.parentFolder(of: root)
    journalPath = SafetensorsFile.journalPath(ofModel: root)
    self.onStep = onStep
    let paths = isFolder ? try Self.lockedPaths(of: root) : [root]
    locks = try paths.map { (path) throws(PatchError) in try Self.lock(path) }
  }

  /// The folder and its weights files, which other commands may take for single ones.
  private static func lockedPaths(of folder: String) throws(PatchError) -> [String] {
    let names = try PatchError.wrap { () throws(CoreError) in try Folder.names(in: folder) }
    return [folder]
      + names.filter { $0.hasSuffix(".safetensors") }.map { folder + "/" + $0 }
  }

  private static func lock(_ path: String) throws(PatchError) -> FileLock {
    let lock = try PatchError.wrap { () throws(CoreError) in
      try FileLock(path: path, .exclusive)
    }
    guard let lock else {
      throw PatchError(
        .busy, "another command is changing this model, or works with its weights", path: path,
        hint: "wait for it to end")
    }
    return lock
  }

  var hasJournal: Bool { Folder.fileExists(journalPath) }

  func filePath(_ name: String) -> String { folder + "/" + name }

  func stagedPath(_ name: String) -> String { filePath(name) + Journal.stagedSuffix }

  /// Whether a file's bytes are shared with another name, so that writing them
  /// would change more than this model.
  func isShared(_ name: String) -> Bool {
    var status = stat()
    guard lstat(filePath(name), &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFLNK || status.st_nlink > 1
  }

  /// Removes what a command that was killed before its journal took effect left
  /// behind: unfinished journals and staged files.
  func removeLeftovers() {
    let journal = Output.lastComponent(of: journalPath)
    // Beside a single file there may be those of others.
    let staged = isFolder ? "" : Output.lastComponent(of: path)
    for name in (try? Folder.names(in: folder)) ?? [] {
      let isStaged = name.hasPrefix(staged) && Self.isStaged(name)
      if isStaged || name.hasPrefix(journal + Self.partialMark) { unlink(filePath(name)) }
    }
  }

  private static let partialMark = ".partial-"

  private static func isStaged(_ name: String) -> Bool {
    name.hasSuffix(Journal.stagedSuffix)
      || name.dropLast(6).hasSuffix(Journal.stagedSuffix + partialMark)
  }
}
