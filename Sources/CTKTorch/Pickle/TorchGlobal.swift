import CTKCore

/// The classes and functions that a pickle may name.
///
/// Each is a case that `PickleMachine` turns into a description; nothing is ever called.
enum TorchGlobal: Sendable, Hashable {
  case orderedDictionary
  case counter
  case set
  case size
  case device
  case encode
  case tensorClass
  case rebuildTensor
  case rebuildTensorV2
  case rebuildTensorV3
  case rebuildParameter
  case rebuildParameterWithState
  case rebuildFromType
  case storage(DType)
  case untypedStorage
  case dtype(DType)

  /// The allowed global of a module, or nil.
  init?(module: String, name: String) {
    guard let known = Self.allowed["\(module) \(name)"] else { return nil }
    self = known
  }

  /// Whether a refused global stands for an element type that ctk lacks.
  static func isElementType(module: String, name: String) -> Bool {
    module == "torch"
      && (name.hasSuffix("Storage") || ["complex128", "complex32"].contains(name)
        || ["qint", "quint", "bits"].contains { name.hasPrefix($0) })
  }

  private static let allowed: [String: TorchGlobal] = {
    var table: [String: TorchGlobal] = [
      "collections OrderedDict": .orderedDictionary,
      "collections Counter": .counter,
      "builtins set": .set,
      "__builtin__ set": .set,
      "_codecs encode": .encode,
      "torch Size": .size,
      "torch device": .device,
      "torch Tensor": .tensorClass,
      "torch.nn.parameter Parameter": .tensorClass,
      "torch._utils _rebuild_tensor": .rebuildTensor,
      "torch._utils _rebuild_tensor_v2": .rebuildTensorV2,
      "torch._utils _rebuild_tensor_v3": .rebuildTensorV3,
      "torch._utils _rebuild_parameter": .rebuildParameter,
      "torch._utils _rebuild_parameter_with_state": .rebuildParameterWithState,
      "torch._tensor _rebuild_from_type_v2": .rebuildFromType,
      "torch.storage UntypedStorage": .untypedStorage,
    ]
    for (name, dtype) in storageClasses { table["torch \(name)Storage"] = .storage(dtype) }
    for (name, dtype) in elementTypes { table["torch \(name)"] = .dtype(dtype) }
    return table
  }()

  /// The name in module `torch` of a type's storage class.
  static func storageClass(of dtype: DType) -> String? {
    storageClasses.first { $0.1 == dtype }.map { $0.0 + "Storage" }
  }

  private static let storageClasses: [(String, DType)] = [
    ("Double", .f64), ("Float", .f32), ("Half", .f16), ("BFloat16", .bf16), ("Long", .i64),
    ("Int", .i32), ("Short", .i16), ("Char", .i8), ("Byte", .u8), ("Bool", .bool),
    ("ComplexFloat", .c64),
  ]

  private static let elementTypes: [(String, DType)] = [
    ("float64", .f64), ("float32", .f32), ("float16", .f16), ("bfloat16", .bf16),
    ("int64", .i64), ("int32", .i32), ("int16", .i16), ("int8", .i8), ("uint64", .u64),
    ("uint32", .u32), ("uint16", .u16), ("uint8", .u8), ("bool", .bool), ("complex64", .c64),
    ("float8_e4m3fn", .f8e4m3), ("float8_e5m2", .f8e5m2), ("float8_e4m3fnuz", .f8e4m3fnuz),
    ("float8_e5m2fnuz", .f8e5m2fnuz), ("float8_e8m0fnu", .f8e8m0),
  ]
}
