import CTKCore

/// A way coded bytes can be wrong, before it is known whose they are.
///
/// Patches and masks share the coding but report under their own codes.
package enum StreamFault: Error {
  case damaged(String)
  case unsupported(String)
  /// Values are coded against a tensor that is not at hand.
  case needsSource
  /// Positions are those of a mask that is not at hand.
  case needsMask

  /// The fault as an error about a stream of a patch.
  func inPatch(_ stream: String, path: String) -> PatchError {
    switch self {
    case .damaged(let what):
      PatchError(
        .damaged, "stream '\(stream)': \(what)", path: path, hint: "fetch the patch again")
    case .unsupported(let what):
      PatchError(
        .unsupported, "stream '\(stream)': \(what)", path: path, hint: "use a newer ctk")
    case .needsSource:
      PatchError(
        .needsBase, "stream '\(stream)': its values are coded against the base's tensor",
        path: path, hint: "give the base, or export the patch with --codec deflate")
    case .needsMask:
      PatchError(
        .needsMask, "stream '\(stream)': its positions are those of a mask", path: path,
        hint: "give the mask file with --mask")
    }
  }

  /// The fault as an error about a stream of a mask.
  func inMask(_ stream: String, path: String) -> PatchError {
    switch self {
    case .damaged(let what):
      PatchError(
        .maskDamaged, "stream '\(stream)': \(what)", path: path, hint: "fetch the mask again")
    case .unsupported(let what):
      PatchError(
        .maskUnsupported, "stream '\(stream)': \(what)", path: path, hint: "use a newer ctk")
    case .needsSource, .needsMask:
      PatchError(.maskDamaged, "stream '\(stream)': it has values", path: path)
    }
  }
}
