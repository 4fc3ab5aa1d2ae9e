public import CTKCore

/// Codes of patch and mask files, listed in `formats/patch.md` section 10 and
/// `formats/mask.md` section 6.
public enum PatchErrorCode: String, FailureCode {
  case notAPatch = "patch.not-a-patch"
  case damaged = "patch.damaged"
  case unsupported = "patch.unsupported"
  case wrongBase = "patch.wrong-base"
  case wrongTarget = "patch.wrong-target"
  case alreadyApplied = "patch.already-applied"
  case notApplied = "patch.not-applied"
  case partlyApplied = "patch.partly-applied"
  case wrongResult = "patch.wrong-result"
  case chainBroken = "patch.chain-broken"
  case fileDiffers = "patch.file-differs"
  case fileInvalid = "patch.file-invalid"
  case needsBase = "patch.needs-base"
  case busy = "patch.busy"
  case journalDamaged = "patch.journal-damaged"
  case needsMask = "patch.needs-mask"
  case wrongMask = "patch.wrong-mask"
  case sourceFailed = "patch.source-failed"
  case selectionMismatch = "selection.mismatch"
  case composeBaseDiffers = "compose.base-differs"
  case composeOverlap = "compose.overlap"
  case composeConflict = "compose.conflict"
  case composeNotNumeric = "compose.not-numeric"
  case composeNotFinite = "compose.not-finite"
  case peerDamaged = "peer.damaged"
  case peerUnsupported = "peer.unsupported"
  case peerTensorUnknown = "peer.tensor-unknown"
  case peerNotRepresentable = "peer.not-representable"
  case notAMask = "mask.not-a-mask"
  case maskDamaged = "mask.damaged"
  case maskUnsupported = "mask.unsupported"
  case maskInvalid = "mask.invalid"
  case maskNotCombinable = "mask.not-combinable"

  public var status: ExitStatus {
    switch self {
    case .sourceFailed, .busy: .ioError
    default: .badInput
    }
  }
}

public typealias PatchError = Failure<PatchErrorCode>

extension Failure where Code == PatchErrorCode {
  /// Any error of a tensor source, with its own code when it has one.
  init(sourceError error: any Error) {
    if let known = error as? any Diagnosable {
      self.init(wrapping: known)
    } else {
      self.init(.sourceFailed, "reading a tensor failed: \(error)")
    }
  }
}
