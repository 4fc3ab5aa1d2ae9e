public import CTKCore

/// The ways a checkpoint or its import can be wrong.
public enum CheckpointErrorCode: String, FailureCode {
  /// The folder's tensors do not have ctk's names and layout.
  case notCanonical = "checkpoint.not-canonical"
  case configMissing = "checkpoint.config-missing"
  /// A tensor could not be read for a reason without a code of its own.
  case readFailed = "checkpoint.read-failed"

  case sourceMissing = "import.source-missing"
  case sourceAmbiguous = "import.source-ambiguous"
  case containerUnsupported = "import.container-unsupported"
  case indexInvalid = "import.index-invalid"
  /// A shard name that is not the plain name of a sibling file.
  case shardNameUnsafe = "import.shard-name-unsafe"
  case shardMissing = "import.shard-missing"
  case shardTensorMissing = "import.shard-tensor-missing"
  case shardTensorAmbiguous = "import.shard-tensor-ambiguous"
  /// A model that resembles a supported one and is not.
  case architectureUnsupported = "import.architecture-unsupported"
  /// The architecture asked for is not the one of the configuration.
  case architectureMismatch = "import.architecture-mismatch"
  case tensorMissing = "import.tensor-missing"
  case shapeMismatch = "import.shape-mismatch"
  case dtypeUnsupported = "import.dtype-unsupported"
  /// Two sources with different values for one target.
  case conflict = "import.conflict"
  case notFinite = "import.not-finite"
  case tokenizerMissing = "import.tokenizer-missing"
  /// A tokenizer's files do not hold what they must.
  case tokenizerInvalid = "import.tokenizer-invalid"

  /// A tensor that the container's format has no name for.
  case exportNameMissing = "export.name-missing"

  public var status: ExitStatus {
    switch self {
    case .configMissing, .sourceMissing, .shardMissing, .tokenizerMissing: .inputMissing
    case .readFailed: .ioError
    default: .badInput
    }
  }
}

public typealias CheckpointError = Failure<CheckpointErrorCode>

extension Failure where Code == CheckpointErrorCode {
  /// Runs a body that throws errors of several modules and keeps their codes.
  static func catching<Result: ~Copyable>(
    _ body: () throws -> Result
  ) throws(CheckpointError) -> Result {
    do {
      return try body()
    } catch let error as CheckpointError {
      throw error
    } catch let error as any Diagnosable {
      throw CheckpointError(wrapping: error)
    } catch {
      throw CheckpointError(.readFailed, "\(error)")
    }
  }
}
