public import CTKCore

/// The ways an HDF5 file can be wrong or refused.
public enum HDF5ErrorCode: String, FailureCode {
  case notHDF5 = "hdf5.not-hdf5"
  case damaged = "hdf5.damaged"
  case truncated = "hdf5.truncated"
  case linkRefused = "hdf5.link-refused"
  case externalStorage = "hdf5.external-storage"
  case virtualDataset = "hdf5.virtual-dataset"
  case shapeBomb = "hdf5.shape-bomb"
  case limitExceeded = "hdf5.limit-exceeded"
  case filterUnsupported = "hdf5.filter-unsupported"
  case typeUnsupported = "hdf5.type-unsupported"
  case readFailed = "hdf5.read-failed"
  case attributeUnsupported = "hdf5.attribute-unsupported"
  case writeFailed = "hdf5.write-failed"

  public var status: ExitStatus { self == .writeFailed ? .ioError : .badInput }
}

public typealias HDF5Error = Failure<HDF5ErrorCode>
