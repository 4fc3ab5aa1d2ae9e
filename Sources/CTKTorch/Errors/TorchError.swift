public import CTKCore

/// The ways a PyTorch checkpoint can be wrong.
public enum TorchErrorCode: String, FailureCode {
  /// The file is no zip archive: a pointer file, a web page, something else.
  case notTorch = "torch.not-torch"
  /// The form that torch wrote before version 1.6.
  case legacyFormat = "torch.legacy-format"
  case torchScript = "torch.torchscript"
  /// The archive's members are not those of one state dict.
  case archiveInvalid = "torch.archive-invalid"
  case versionUnsupported = "torch.version-unsupported"
  /// A member's bytes do not have their CRC-32.
  case checksumMismatch = "torch.checksum-mismatch"

  case pickleDamaged = "torch.pickle-damaged"
  /// An opcode outside the allow-list.
  case opcodeRefused = "torch.opcode-refused"
  /// A global outside the allow-list.
  case globalRefused = "torch.global-refused"
  case limitExceeded = "torch.limit-exceeded"

  /// The pickled object is not a dictionary with names.
  case rootInvalid = "torch.root-invalid"
  case nameRepeated = "torch.name-repeated"
  case storageInvalid = "torch.storage-invalid"
  /// Sizes, strides or the offset of a tensor do not fit its storage.
  case viewInvalid = "torch.view-invalid"
  case dtypeUnsupported = "torch.dtype-unsupported"

  public var status: ExitStatus { .badInput }
}

public typealias TorchError = Failure<TorchErrorCode>
