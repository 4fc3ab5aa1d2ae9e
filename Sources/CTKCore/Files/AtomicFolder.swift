#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A folder that appears under its name only when complete.
///
/// Files are written into a temporary sibling folder (`path(of:)`); `commit`
/// renames it, or exchanges it with an existing folder in one step, so that the
/// name never stands for nothing. When dropped without a commit everything is removed.
public struct AtomicFolder: ~Copyable {
  public let path: String
  private let temporaryPath: String
  private let replacesExisting: Bool
  private let isDurable: Bool
  private var isOpen: Bool

  /// - Parameter isDurable: as for the files in it.
  /// - Throws: `output.exists`, `output.cannot-create`.
  public init(
    path: String, replacesExisting: Bool = false, isDurable: Bool = true
  ) throws(CoreError) {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = trimmed
    self.replacesExisting = replacesExisting
    self.isDurable = isDurable
    if !replacesExisting && access(trimmed, F_OK) == 0 { throw Output.existsError(trimmed) }
    temporaryPath = try UnfinishedOutputs.making { () throws(CoreError) in
      ((), try AtomicFolder.makeTemporary(beside: trimmed))
    }.path
    isOpen = true
  }

  deinit {
    if isOpen { Folder.removeTree(temporaryPath) }
    UnfinishedOutputs.remove(temporaryPath)
  }

  private static func makeTemporary(beside path: String) throws(CoreError) -> String {
    var template = Array((path + ".partial-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CoreError(
        .outputCannotCreate, "cannot create a folder here: \(errnoText(errno))", path: path)
    }
    let name = template.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    chmod(name, 0o755)
    return name
  }

  /// Where a file of the folder is to be written before the commit.
  public func path(of name: String) -> String { temporaryPath + "/" + name }

  /// Publishes the folder; an existing one is replaced only when allowed.
  public consuming func commit() throws(CoreError) {
    if access(path, F_OK) == 0 {
      guard replacesExisting else { throw Output.existsError(path) }
      try swapWithExisting(temporaryPath)
    } else {
      try Output.publish(temporaryPath, as: path, replacesExisting: false)
      if isDurable { Output.syncFolder(of: path) }
    }
    isOpen = false
  }

  /// Publishes one folder inside this one in place of the existing folder.
  public consuming func promote(_ name: String) throws(CoreError) {
    try swapWithExisting(self.path(of: name))
  }

  private func swapWithExisting(_ replacement: String) throws(CoreError) {
    if Rename.exchange(replacement, path) {
      Output.syncFolder(of: path)
      Folder.removeTree(replacement)
      return
    }
    guard Rename.isUnsupported(errno) else { throw Output.writeError(errno, path: path) }
    try replaceInTwoSteps(by: replacement)
  }

  /// For file systems without an exchange: a process that dies between the two renames
  /// leaves the old folder whole under its `.previous` name.
  private func replaceInTwoSteps(by replacement: String) throws(CoreError) {
    let retired = path + ".previous" + temporaryPath.suffix(Self.suffixLength)
    guard rename(path, retired) == 0 else { throw Output.writeError(errno, path: path) }
    guard rename(replacement, path) == 0 else {
      let number = errno
      rename(retired, path)
      throw Output.writeError(number, path: path)
    }
    Output.syncFolder(of: path)
    Folder.removeTree(retired)
  }

  /// Length of what `mkdtemp` draws, with its hyphen.
  private static let suffixLength = 7
}

/// Questions and steps about folders.
public enum Folder {
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  public static func fileExists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Names in a folder, sorted by UTF-8 bytes, without "." and "..".
  public static func names(in path: String) throws(CoreError) -> [String] {
    guard let handle = opendir(path) else {
      throw CoreError(
        errno == ENOENT ? .fileMissing : .fileUnreadable,
        "cannot list the folder: \(errnoText(errno))", path: path)
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted(by: utf8Precedes)
  }

  /// Creates a folder and its missing parents.
  ///
  /// - Throws: `output.cannot-create`, also where something else has the name.
  public static func create(_ path: String) throws(CoreError) {
    if path.isEmpty || exists(path) { return }
    try create(Output.parentFolder(of: path))
    if mkdir(path, 0o755) == 0 { return }
    // Another process may have made the folder meanwhile.
    let number = errno
    if number == EEXIST && exists(path) { return }
    throw CoreError(
      .outputCannotCreate, "cannot create the folder: \(errnoText(number))", path: path)
  }

  /// Removes a folder and all it holds, without following links.
  public static func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in (try? names(in: path)) ?? [] { removeTree(path + "/" + name) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
