import Foundation

/// Files under `fixtures/`, found from this source file's own place.
public enum Fixtures {
  public static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "fixtures").path()

  /// Absolute path of a fixture, such as `checkpoints/bert/pt`.
  public static func path(_ relative: String) -> String { root + "/" + relative }
}
