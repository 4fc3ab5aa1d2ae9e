import Synchronization

/// Temporary files and folders that are being written, so that an interrupted
/// process can remove them.
public enum UnfinishedOutputs {
  private static let paths = Mutex<Set<String>>([])

  /// Makes a temporary file or folder and notes it, with no removal in between.
  static func making<Made>(
    _ make: () throws(CoreError) -> (made: Made, path: String)
  ) throws(CoreError) -> (made: Made, path: String) {
    try paths.withLock { (paths) throws(CoreError) in
      let result = try make()
      paths.insert(result.path)
      return result
    }
  }

  static func remove(_ path: String) {
    paths.withLock { _ = $0.remove(path) }
  }

  /// Removes everything that is not yet published and ends the process, during which nothing new
  /// is made.
  public static func removeAll(thenEnd end: () -> Never) -> Never {
    paths.withLock { paths in
      for path in paths { Folder.removeTree(path) }
      end()
    }
  }
}
