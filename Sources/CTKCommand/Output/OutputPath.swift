import CTKCore

/// Checks that are cheap before the work and would be annoying after it.
enum OutputPath {
  /// The kinds of folder that ctk writes, told by a file each always has.
  enum FolderKind: String {
    case checkpoint = "config.json"
    case run = "manifest.json"
  }

  /// - Throws: `output.exists`, `output.cannot-create`.
  static func require(freeFile path: String, _ force: ForceOption) throws(CoreError) {
    if Folder.fileExists(path) && !force.force { throw Output.existsError(path) }
    if Folder.exists(path) { throw taken(path, by: "a folder") }
    try requireParent(of: path)
  }

  /// A folder is only ever replaced by one of its own kind: `--force` removes all it holds.
  ///
  /// - Throws: `output.exists`, `output.cannot-create`.
  static func require(
    freeFolder path: String, _ kind: FolderKind, _ force: ForceOption
  ) throws(CoreError) {
    if Folder.fileExists(path) { throw taken(path, by: "a file") }
    if Folder.exists(path) {
      if !force.force { throw Output.existsError(path) }
      let names = try Folder.names(in: path)
      if !names.isEmpty && !names.contains(kind.rawValue) {
        throw CoreError(
          .outputExists, "the folder holds something else than a \(kind)", path: path,
          hint: "--force would remove all of it; choose another output")
      }
    }
    try requireParent(of: path)
  }

  /// - Throws: `output.cannot-create`.
  static func requireParent(of path: String) throws(CoreError) {
    let parent = Output.parentFolder(of: path)
    if !Folder.exists(parent) {
      throw CoreError(
        .outputCannotCreate, "the folder of the output does not exist", path: parent,
        hint: "create it first, or write elsewhere")
    }
  }

  private static func taken(_ path: String, by what: String) -> CoreError {
    CoreError(
      .outputCannotCreate, "\(what) has the output's name", path: path,
      hint: "choose another output")
  }
}
