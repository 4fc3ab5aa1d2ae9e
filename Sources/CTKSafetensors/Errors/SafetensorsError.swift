public import CTKCore

/// The ways a safetensors file, a shard index or a write can be wrong.
public enum SafetensorsErrorCode: String, FailureCode {
  /// The file is shorter than the eight bytes of the header length.
  case headerTooSmall = "safetensors.header-too-small"
  /// The header length is above the format's limit.
  case headerTooLarge = "safetensors.header-too-large"
  /// The header reaches past the end of the file.
  case headerTruncated = "safetensors.header-truncated"
  case headerNotUTF8 = "safetensors.header-not-utf8"
  /// The header is not a JSON object, or a part of it has the wrong type.
  case headerInvalid = "safetensors.header-invalid"
  case duplicateKey = "safetensors.duplicate-key"
  case metadataInvalid = "safetensors.metadata-invalid"
  case dtypeUnknown = "safetensors.dtype-unknown"
  case shapeInvalid = "safetensors.shape-invalid"
  /// Not two whole numbers in order, or a hole, an overlap or a shared range.
  case offsetsInvalid = "safetensors.offsets-invalid"
  /// The range of a tensor has another length than its shape and dtype.
  case sizeMismatch = "safetensors.size-mismatch"
  case overflow = "safetensors.overflow"
  /// The elements of a sub-byte dtype end inside a byte.
  case partialByte = "safetensors.partial-byte"
  case dataIncomplete = "safetensors.data-incomplete"
  case dataTrailing = "safetensors.data-trailing"

  case weightsMissing = "safetensors.weights-missing"
  case indexInvalid = "safetensors.index-invalid"
  /// A shard name that is not the plain name of a sibling file.
  case shardNameUnsafe = "safetensors.shard-name-unsafe"
  case shardMissing = "safetensors.shard-missing"
  case shardTensorMissing = "safetensors.shard-tensor-missing"
  case shardTensorAmbiguous = "safetensors.shard-tensor-ambiguous"

  /// A change in place was interrupted; the bytes are of neither state.
  case changeUnfinished = "safetensors.change-unfinished"

  case nameReserved = "safetensors.name-reserved"
  case writeIncomplete = "safetensors.write-incomplete"
  case writeOverrun = "safetensors.write-overrun"

  public var status: ExitStatus {
    switch self {
    case .weightsMissing, .shardMissing: .inputMissing
    case .nameReserved, .writeIncomplete, .writeOverrun: .failed
    default: .badInput
    }
  }
}

public typealias SafetensorsError = Failure<SafetensorsErrorCode>
