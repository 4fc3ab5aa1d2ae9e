import CTKCore

/// Checked reading of the tuple that a persistent id or a call has.
struct ArgumentReader {
  private let arguments: [PickleValue]?
  /// Where the instruction lies in the pickle.
  private let position: Int

  init(_ value: PickleValue, in heap: PickleHeap, at position: Int) {
    if case .tuple(let tuple) = value { arguments = heap.tuples[tuple] } else { arguments = nil }
    self.position = position
  }

  /// ("storage", class, key, location, count); the location is of no use.
  func storageRecord() throws(TorchError) -> StorageRecord {
    guard let arguments, arguments.count == 5, case .text("storage") = arguments[0],
      case .global(let storageClass) = arguments[1], case .text(let key) = arguments[2],
      case .text = arguments[3], case .integer(let count) = arguments[4], count >= 0
    else {
      throw TorchError(
        .storageInvalid, "the persistent id at byte \(position) of the pickle names no storage")
    }
    switch storageClass {
    case .storage(let dtype): return StorageRecord(key: key, dtype: dtype, count: count)
    case .untypedStorage: return StorageRecord(key: key, dtype: nil, count: count)
    default:
      throw TorchError(.storageInvalid, "storage '\(key)' has a class that is none of storages")
    }
  }

  func requireCount(_ range: ClosedRange<Int>) throws(TorchError) {
    guard let arguments, range.contains(arguments.count) else {
      throw invalid("a call has \(arguments?.count ?? 0) arguments")
    }
  }

  func only() throws(TorchError) -> PickleValue {
    guard let arguments, arguments.count == 1 else {
      throw invalid("a call needs one argument")
    }
    return arguments[0]
  }

  /// Reads (storage, offset, size, stride[, requires_grad, hooks[, metadata]]).
  func tensor(
    argumentCount: ClosedRange<Int>, in heap: PickleHeap
  ) throws(TorchError) -> TensorDescription {
    try requireCount(argumentCount)
    let arguments = arguments ?? []
    if arguments.count == 7 { try requireNoMetadata(arguments[6], heap) }
    let storage = try storage(arguments[0])
    guard let dtype = heap.storages[storage].dtype else {
      throw invalid("a tensor without a type views an untyped storage")
    }
    return try description(storage, dtype, arguments, heap)
  }

  /// Reads (storage, offset, size, stride, requires_grad, hooks, dtype[, metadata]).
  func typedTensor(in heap: PickleHeap) throws(TorchError) -> TensorDescription {
    try requireCount(7...8)
    let arguments = arguments ?? []
    if arguments.count == 8 { try requireNoMetadata(arguments[7], heap) }
    let storage = try storage(arguments[0])
    guard case .global(.dtype(let dtype)) = arguments[6], heap.storages[storage].dtype == nil else {
      throw invalid("a typed tensor needs a dtype and an untyped storage")
    }
    return try description(storage, dtype, arguments, heap)
  }

  /// Reads (tensor, requires_grad, hooks[, state]).
  func wrappedTensor(argumentCount: Int) throws(TorchError) -> PickleValue {
    try requireCount(argumentCount...argumentCount)
    guard let first = arguments?.first, case .tensor = first else {
      throw invalid("a parameter wraps no tensor")
    }
    return first
  }

  /// (function, class, arguments, state): a tensor with Python attributes.
  func wrappedCall() throws(TorchError) -> (TorchGlobal, PickleValue) {
    guard let arguments, arguments.count == 4, case .global(let function) = arguments[0],
      [.rebuildTensor, .rebuildTensorV2, .rebuildTensorV3].contains(function),
      case .global(.tensorClass) = arguments[1]
    else {
      throw invalid("a tensor of a class of its own")
    }
    return (function, arguments[2])
  }

  private func storage(_ value: PickleValue) throws(TorchError) -> Int {
    guard case .storage(let storage) = value else {
      throw invalid("a tensor views \(value.kind), not a storage")
    }
    return storage
  }

  private func description(
    _ storage: Int, _ dtype: DType, _ arguments: [PickleValue], _ heap: PickleHeap
  ) throws(TorchError) -> TensorDescription {
    guard case .integer(let offset) = arguments[1], offset >= 0 else {
      throw invalid("a tensor's offset is not a whole number from 0")
    }
    let shape = try extents(arguments[2], heap)
    let strides = try extents(arguments[3], heap)
    guard shape.count == strides.count else {
      throw invalid("a tensor has \(shape.count) sizes and \(strides.count) strides")
    }
    return TensorDescription(
      storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides)
  }

  private func extents(_ value: PickleValue, _ heap: PickleHeap) throws(TorchError) -> [Int] {
    guard case .tuple(let tuple) = value else {
      throw invalid("sizes and strides must be tuples, found \(value.kind)")
    }
    let elements = heap.tuples[tuple]
    guard elements.count <= TorchLimits.rank else {
      throw TorchError(
        .limitExceeded, "a tensor has \(elements.count) dimensions, more than \(TorchLimits.rank)")
    }
    var extents: [Int] = []
    for element in elements {
      guard case .integer(let extent) = element, extent >= 0 else {
        throw invalid("a size or stride is not a whole number from 0 that fits 64 bits")
      }
      extents.append(extent)
    }
    return extents
  }

  /// Conjugated and negated views, whose values differ from what is stored.
  private func requireNoMetadata(
    _ value: PickleValue, _ heap: PickleHeap
  ) throws(TorchError) {
    switch value {
    case .none: return
    case .dictionary(let dictionary) where heap.dictionaries[dictionary].isEmpty: return
    default: throw invalid("a tensor has metadata (a conjugated or negated view)")
    }
  }

  private func invalid(_ text: String) -> TorchError {
    TorchError(.viewInvalid, "\(text), at byte \(position) of the pickle")
  }
}
