import Synchronization

/// Temporary files and folders that are being written, so that an interrupted
/// process can remove them.
public enum UnfinishedOutputs {
  private static let paths = Mutex<Set<String>>([])

  static func add(_ path: String) {
    paths.withLock { _ = $0.insert(path) }
  }

  static func remove(_ path: String) {
    paths.withLock { _ = $0.remove(path) }
  }

  /// Removes everything that is not yet published.
  public static func removeAll() {
    for path in paths.withLock({ $0 }) { Folder.removeTree(path) }
  }
}
