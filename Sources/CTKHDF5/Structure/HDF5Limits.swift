/// Every limit that a file must keep to; beyond it, reading stops with an error.
enum HDF5Limits {
  /// Deepest nesting of groups.
  static let groupDepth = 64
  /// Names of groups and datasets in one file.
  static let linkCount = 1 << 20
  /// Header messages of one object, and of all objects.
  static let messageCount = 1 << 16
  static let totalMessageCount = 1 << 24
  /// Blocks of one object header.
  static let headerBlockCount = 1 << 10
  /// Nodes of one B-tree.
  static let treeNodeCount = 1 << 22
  /// Deepest nesting of datatypes.
  static let datatypeDepth = 16
  /// Chunks of one dataset.
  static let chunkCount = 1 << 24
  /// Extents of a dataspace, as the format itself limits them.
  static let rank = 32

  /// Whether a declared size may not be allocated for what the file stores.
  ///
  /// Deflate cannot expand more than 1032 times, so beyond that most of the
  /// values were never written. Large declarations are refused from 1000 times
  /// on, the rule Keras applies.
  static func isBomb(declared: Int, stored: Int) -> Bool {
    let (small, smallOverflow) = stored.multipliedReportingOverflow(by: 1100)
    if declared > 64 << 20 && !smallOverflow && declared > small { return true }
    let (large, largeOverflow) = stored.multipliedReportingOverflow(by: 1000)
    return declared > 4 << 30 && !largeOverflow && declared > large
  }
}
