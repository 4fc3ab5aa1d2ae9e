import Foundation
import Synchronization

/// A fresh folder that is removed when the process ends.
///
/// Not sooner: optimised code ends a value's life after its last use, which may
/// be before the last use of a path taken from it.
public final class TemporaryFolder: Sendable {
  public let path: String

  private static let paths = Mutex<[String]>([])

  public init() {
    path = NSTemporaryDirectory() + "/ctk-test-" + UUID().uuidString
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let count = Self.paths.withLock {
      $0.append(path)
      return $0.count
    }
    if count == 1 { atexit { TemporaryFolder.removeAll() } }
  }

  private static func removeAll() {
    for path in paths.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
  }

  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  /// Names left in the folder, sorted.
  public var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}
