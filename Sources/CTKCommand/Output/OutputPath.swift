import CTKCore

/// Checks that are cheap before the work and would be annoying after it.
enum OutputPath {
  /// - Throws: `output.exists`, `output.cannot-create`.
  static func require(free path: String, _ force: ForceOption) throws(CoreError) {
    if !force.force && (Folder.exists(path) || Folder.fileExists(path)) {
      throw Output.existsError(path)
    }
    let parent = Output.parentFolder(of: path)
    if !Folder.exists(parent) {
      throw CoreError(
        .outputCannotCreate, "the folder of the output does not exist", path: parent,
        hint: "create it first, or write elsewhere")
    }
  }
}
