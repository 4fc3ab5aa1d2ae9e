import CTKCore

extension SafetensorsFile {
  /// Where the journal of a change in place of a model lies (`formats/journal.md`).
  ///
  /// - Parameter path: a checkpoint folder or a single file.
  public static func journalPath(ofModel path: String) -> String {
    Folder.exists(path) ? path + "/ctk-journal" : path + ".ctk-journal"
  }

  /// Refuses a file while a change of it, or of its folder, waits to be finished.
  static func requireFinished(_ path: String) throws(SafetensorsError) {
    for model in [path, Output.parentFolder(of: path)] {
      let journal = journalPath(ofModel: model)
      if Folder.fileExists(journal) {
        throw SafetensorsError(
          .changeUnfinished,
          "a change of this model in place was interrupted or is under way", path: journal,
          hint: "repeat the interrupted command; any ctk apply, revert or switch with "
            + "--in-place on this model finishes it first")
      }
    }
  }
}
