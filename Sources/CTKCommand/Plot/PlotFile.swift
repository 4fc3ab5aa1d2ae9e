import CTKCore

/// Where a drawing is written.
enum PlotFile {
  /// - Throws: `output.*`.
  static func write(
    _ drawing: SVGDocument, to path: String, _ force: ForceOption
  ) throws(CoreError) {
    try OutputPath.require(freeFile: path, force)
    var file = try AtomicFile(path: path, replacesExisting: force.force)
    try file.write(drawing.text)
    try file.commit()
  }
}
