public import CTKCore

/// The ways a TensorFlow checkpoint can be wrong.
public enum TensorBundleErrorCode: String, FailureCode {
  case notBundle = "bundle.not-a-bundle"
  /// A block or a message contradicts itself or another.
  case damaged = "bundle.damaged"
  case checksumMismatch = "bundle.checksum-mismatch"
  /// A compressed table, another byte order or a newer version.
  case unsupported = "bundle.unsupported"
  /// A variable that is stored in slices.
  case sliced = "bundle.sliced"
  case dtypeUnsupported = "bundle.dtype-unsupported"
  case shardMissing = "bundle.shard-missing"
  /// A tensor reaches past the end of its data file, or into another.
  case rangeInvalid = "bundle.range-invalid"
  case limitExceeded = "bundle.limit-exceeded"

  public var status: ExitStatus { self == .shardMissing ? .inputMissing : .badInput }
}

public typealias TensorBundleError = Failure<TensorBundleErrorCode>
