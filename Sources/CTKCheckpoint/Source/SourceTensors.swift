import CTKCore
import CTKHDF5
import CTKSafetensors

/// The opened tensors of a source, under their own names.
struct SourceTensors: Sendable {
  let tensors: any TensorSource
  let findings: [String]
  /// Gives back the memory that reading a tensor took.
  let discard: @Sendable (String) -> Void

  /// - Throws: the codes of the container.
  static func open(_ file: SourceFile) throws(CheckpointError) -> SourceTensors {
    switch file.container {
    case .safetensors: try openSafetensors(file.path)
    case .hdf5: try openHDF5(file.path)
    }
  }

  private static func openSafetensors(_ path: String) throws(CheckpointError) -> SourceTensors {
    let checkpoint = try CheckpointError.wrap { () throws(SafetensorsError) in
      try SafetensorsCheckpoint(path: path)
    }
    return SourceTensors(
      tensors: checkpoint, findings: checkpoint.findings, discard: { checkpoint.discard($0) })
  }

  private static func openHDF5(_ path: String) throws(CheckpointError) -> SourceTensors {
    let file = try CheckpointError.wrap { () throws(HDF5Error) in try HDF5File(path: path) }
    return SourceTensors(tensors: file, findings: file.findings, discard: { _ in })
  }
}
