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

  /// Makes the result's tensor from the source's.
  ///
  /// - Parameter source: is changed in place.
  /// - Returns: nil when the result has no such tensor.
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func makeResult(
    _ entry: PatchEntry, from source: () throws(PatchError) -> TensorBuffer
  ) throws(PatchError) -> TensorBuffer? {
    guard result(of: entry) != nil else { return nil }
    if entry.kind != .changed {
      return try patch.wholeTensor(entry, side: direction == .apply ? .after : .before)
    }
    let buffer = try source()
    try buffer.withBytes { (bytes) throws(PatchError) in
      try patch.add(entry, to: bytes, reverting: direction == .revert)
    }
    return buffer
  }

  /// As `makeResult`, and checks the result's digest.
  ///
  /// - Throws: also `patch.wrong-result`.
  func transform(
    _ entry: PatchEntry, from source: () throws(PatchError) -> TensorBuffer
  ) throws(PatchError) -> TensorBuffer? {
    guard let buffer = try makeResult(entry, from: source), let result = result(of: entry) else {
      return nil
    }
    let found = buffer.withBytes {
      Fingerprint.tensor(result.info, bytes: UnsafeRawBufferPointer($0))
    }
    guard found == result.digest else {
      throw PatchError(
        .wrongResult,
        "tensor '\(entry.name)' became \(found), expected \(result.digest)", path: patch.path,
        hint: "the patch contradicts itself; make it again")
    }
    return buffer
  }
}
