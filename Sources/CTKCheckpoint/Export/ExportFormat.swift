/// The containers that a checkpoint goes back to.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// PyTorch names, as transformers' PyTorch classes load them.
  case safetensors
  /// `tf_model.h5`, as the TensorFlow classes of transformers 4 load it.
  case hdf5 = "h5"
  /// safetensors under the variable names of those TensorFlow classes.
  case kerasNames = "keras-names"
}
