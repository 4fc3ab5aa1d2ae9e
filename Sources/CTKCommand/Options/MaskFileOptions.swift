import ArgumentParser
import CTKPatch

/// Masks that patches may take their positions from.
struct MaskFileOptions: ParsableArguments {
  @Option(name: .customLong("mask"), help: "Mask that a patch refers to; may be repeated.")
  var paths: [String] = []

  init() {}

  func read() throws(PatchError) -> [ParameterMask] {
    try paths.map { (path) throws(PatchError) in try ParameterMask(path: path) }
  }

  func open(_ patch: String) throws(PatchError) -> PatchFile {
    try PatchFile(path: patch, masks: try read())
  }
}
