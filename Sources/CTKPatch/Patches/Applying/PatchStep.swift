import CTKCore

/// Which way a patch is used.
public enum PatchDirection: Sendable {
  case apply
  case revert
}

/// One patch used in one direction.
struct PatchStep: Sendable {
  let patch: PatchFile
  let direction: PatchDirection

  var sourceFingerprint: Digest {
    direction == .apply ? patch.header.baseFingerprint : patch.header.targetFingerprint
  }

  var resultFingerprint: Digest {
    direction == .apply ? patch.header.targetFingerprint : patch.header.baseFingerprint
  }

  func source(of entry: PatchEntry) -> TensorState? {
    direction == .apply ? entry.before : entry.after
  }

  func result(of entry: PatchEntry) -> TensorState? {
    direction == .apply ? entry.after : entry.before
  }

  func source(of file: ChangedFile) -> [UInt8]? {
    direction == .apply ? file.before : file.after
  }

  func result(of file: ChangedFile) -> [UInt8]? {
    direction == .apply ? file.after : file.before
  }
}
