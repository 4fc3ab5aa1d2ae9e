#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writer of a file that appears only when complete.
///
/// Bytes go to a temporary sibling; `commit` flushes and renames it. When the
/// writer is dropped without a commit the temporary file is removed and an
/// existing target is untouched.
public struct AtomicFile: ~Copyable {
  public let path: String
  private let temporaryPath: String
  private var descriptor: Int32
  private let replacesExisting: Bool
  private let isDurable: Bool

  /// - Parameters:
  ///   - replacesExisting: whether `commit` may replace a file.
  ///   - isDurable: whether `commit` waits until a loss of power can do no more harm;
  ///     the death of the process never does.
  /// - Throws: `output.exists`, `output.cannot-create`.
  public init(
    path: String, replacesExisting: Bool = false, isDurable: Bool = true
  ) throws(CoreError) {
    self.path = path
    self.replacesExisting = replacesExisting
    self.isDurable = isDurable
    if !replacesExisting && access(path, F_OK) == 0 { throw Output.existsError(path) }
    (descriptor, temporaryPath) = try UnfinishedOutputs.making { () throws(CoreError) in
      try AtomicFile.makeTemporary(beside: path)
    }
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(temporaryPath)
      UnfinishedOutputs.remove(temporaryPath)
    }
  }

  /// Appends bytes.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CoreError) {
    try Output.writeAll(bytes, to: descriptor, path: path)
  }

  public mutating func write(_ bytes: [UInt8]) throws(CoreError) {
    let span = bytes.span
    try span.withUnsafeBytes { (buffer) throws(CoreError) in try write(buffer) }
  }

  public mutating func write(_ text: String) throws(CoreError) {
    try write(Array(text.utf8))
  }

  /// A way to write anywhere in the file, from several threads at once.
  ///
  /// Must not be used after the commit.
  public var positions: PositionedOutput {
    PositionedOutput(path: path, descriptor: descriptor)
  }

  /// Makes the file visible under its name, and durable before.
  public consuming func commit() throws(CoreError) {
    if isDurable && fsync(descriptor) != 0 { throw Output.writeError(errno, path: path) }
    try Output.publish(temporaryPath, as: path, replacesExisting: replacesExisting)
    if isDurable { Output.syncFolder(of: path) }
    let file = descriptor
    descriptor = -1
    close(file)
    UnfinishedOutputs.remove(temporaryPath)
  }

  private static func makeTemporary(
    beside path: String
  ) throws(CoreError) -> (made: Int32, path: String) {
    var template = Array((path + ".partial-XXXXXX").utf8CString)
    let file = mkstemp(&template)
    if file < 0 {
      throw CoreError(
        .outputCannotCreate, "cannot create a file here: \(errnoText(errno))", path: path)
    }
    fchmod(file, 0o644)
    let name = template.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    return (file, name)
  }
}

/// Steps shared by the writers of files and folders.
public enum Output {
  public static func existsError(_ path: String) -> CoreError {
    CoreError(
      .outputExists, "the output exists already", path: path,
      hint: "give --force to replace it, or another --output")
  }

  /// - Parameter number: of `errno`.
  package static func writeError(_ number: Int32, path: String) -> CoreError {
    switch number {
    case ENOSPC, EDQUOT:
      CoreError(
        .outputDiskFull, "no space is left for the output", path: path,
        hint: "free some space; nothing was left behind")
    case EISDIR, ENOTDIR, ENOTEMPTY:
      CoreError(
        .outputCannotCreate, "something else has the output's name: \(errnoText(number))",
        path: path)
    case EPIPE:
      CoreError(.outputClosed, "the reader of the output has gone", path: path)
    default:
      CoreError(.outputWriteFailed, "cannot write: \(errnoText(number))", path: path)
    }
  }

  /// Writes bytes to an open descriptor, however many calls it takes.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`.
  public static func write(
    _ bytes: [UInt8], to descriptor: Int32, path: String
  ) throws(CoreError) {
    let span = bytes.span
    try span.withUnsafeBytes { (buffer) throws(CoreError) in
      try writeAll(buffer, to: descriptor, path: path)
    }
  }

  /// Appends bytes to an existing file.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`.
  public static func append(_ bytes: [UInt8], to path: String) throws(CoreError) {
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    if descriptor < 0 { throw writeError(errno, path: path) }
    defer { close(descriptor) }
    try write(bytes, to: descriptor, path: path)
  }

  static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(CoreError) {
    var rest = bytes[...]
    while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
      let count = systemWrite(descriptor, start, min(rest.count, 1 << 30))
      if count < 0 {
        if errno == EINTR { continue }
        throw writeError(errno, path: path)
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func systemWrite(
    _ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
    Glibc.write(descriptor, start, count)
    #elseif canImport(Musl)
    Musl.write(descriptor, start, count)
    #else
    Darwin.write(descriptor, start, count)
    #endif
  }

  /// Renames a finished file or folder to its final name.
  ///
  /// Without `replacesExisting` a name that appeared meanwhile is not touched.
  static func publish(
    _ temporary: String, as path: String, replacesExisting: Bool
  ) throws(CoreError) {
    if replacesExisting {
      guard rename(temporary, path) == 0 else { throw writeError(errno, path: path) }
    } else if !Rename.exclusively(temporary, to: path) {
      if errno == EEXIST { throw existsError(path) }
      guard Rename.isUnsupported(errno) else { throw writeError(errno, path: path) }
      if access(path, F_OK) == 0 { throw existsError(path) }
      guard rename(temporary, path) == 0 else { throw writeError(errno, path: path) }
    }
  }

  /// Removes a file, durably.
  ///
  /// - Throws: `output.write-failed`.
  public static func remove(_ path: String) throws(CoreError) {
    guard unlink(path) == 0 else { throw writeError(errno, path: path) }
    syncFolder(of: path)
  }

  /// Makes a rename durable; best effort, as not every file system allows it.
  public static func syncFolder(of path: String) {
    let folder = parentFolder(of: path)
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
  }

  /// The folder a path lies in; "." for a bare name.
  public static func parentFolder(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// The name of a file or folder in the folder it lies in.
  public static func lastComponent(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
