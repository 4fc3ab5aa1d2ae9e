import CTKCore

/// The element type that an import writes.
public enum ImportDType: String, Sendable, CaseIterable {
  /// Every tensor keeps its own type.
  case keep
  case f32
  case f16
  case bf16

  func target(of source: DType) -> DType {
    switch self {
    case .keep: source
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    }
  }

  /// The name in `config.json`; nil when nothing changes.
  var configurationName: String? {
    switch self {
    case .keep: nil
    case .f32: "float32"
    case .f16: "float16"
    case .bf16: "bfloat16"
    }
  }
}
