/// Other tools' files of sparse changes (`docs/guides/peers.md`).
public enum PeerFormat: String, Sendable, CaseIterable {
  /// composable-sft: `pytorch_diff.bin`.
  case sft
  /// A SHiRA adapter of PEFT: `adapter_config.json` and `adapter_model.safetensors`.
  case shira
  /// Changed elements as `NAME.indices` and `NAME.values` in a safetensors file.
  case sparseSafetensors = "sparse-safetensors"

  /// Whether values are stored as they are, and not as differences of floats.
  public var isExact: Bool { self == .sparseSafetensors }
}
