public import CTKCore

/// Writer of the pickles that torch reads: dictionaries of text, whole numbers and tensors.
///
/// Protocol 2, with the instructions that `torch.save` itself uses, so that
/// `torch.load(weights_only=True)` takes them.
public struct PickleWriter {
  private var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]

  /// Elements that Python's own pickler appends to a list at once.
  private static let batchCount = 1000

  public init() {}

  /// Writes a dictionary; the body writes keys and values in turn.
  public mutating func dictionary<Error>(
    _ body: (inout PickleWriter) throws(Error) -> Void
  ) throws(Error) {
    put(.emptyDictionary, .mark)
    try body(&self)
    put(.setItems)
  }

  public mutating func text(_ text: String) {
    put(.binUnicode)
    append(UInt32(text.utf8.count))
    bytes += Array(text.utf8)
  }

  /// Writes a list of whole numbers from 0 below 2^31.
  public mutating func list(_ numbers: [Int]) {
    put(.emptyList)
    for start in stride(from: 0, to: numbers.count, by: Self.batchCount) {
      put(.mark)
      for number in numbers[start..<min(start + Self.batchCount, numbers.count)] { integer(number) }
      put(.appends)
    }
  }

  /// Writes a `torch.Size`.
  public mutating func size(_ shape: [Int]) {
    global("torch", "Size")
    tuple(shape)
    put(.tuple1, .reduce)
  }

  /// Writes a contiguous tensor that is all of a storage.
  ///
  /// - Parameter storage: the name of the archive's member below `data/`.
  /// - Throws: `torch.dtype-unsupported` for a type without a storage class.
  public mutating func tensor(_ info: TensorInfo, storage: String) throws(TorchError) {
    guard let storageClass = TorchGlobal.storageClass(of: info.dtype) else {
      throw TorchError(
        .dtypeUnsupported,
        "tensor '\(info.name)' is \(info.dtype.rawValue), for which torch has no storage class")
    }
    global("torch._utils", "_rebuild_tensor_v2")
    put(.mark, .mark)
    text("storage")
    global("torch", storageClass)
    text(storage)
    text("cpu")
    integer(info.elementCount)
    put(.tuple, .binPersistentID)
    integer(0)
    tuple(info.shape)
    tuple(Self.strides(of: info.shape))
    put(.newFalse)
    global("collections", "OrderedDict")
    put(.emptyTuple, .reduce, .tuple, .reduce)
  }

  /// The whole pickle.
  public consuming func finish() -> [UInt8] {
    put(.stop)
    return bytes
  }

  private static func strides(of shape: [Int]) -> [Int] {
    var strides: [Int] = []
    var stride = 1
    for extent in shape.reversed() {
      strides.append(stride)
      stride *= max(1, extent)
    }
    return strides.reversed()
  }

  private mutating func put(_ opcodes: PickleOpcode...) { bytes += opcodes.map(\.rawValue) }

  private mutating func global(_ module: String, _ name: String) {
    put(.global)
    bytes += Array("\(module)\n\(name)\n".utf8)
  }

  private mutating func tuple(_ numbers: [Int]) {
    put(.mark)
    for number in numbers { integer(number) }
    put(.tuple)
  }

  private mutating func integer(_ number: Int) {
    if let small = UInt8(exactly: number) {
      put(.binInt1)
      bytes.append(small)
    } else if let medium = UInt16(exactly: number) {
      put(.binInt2)
      append(medium)
    } else if let large = Int32(exactly: number) {
      put(.binInt)
      append(large)
    } else {
      put(.long1)
      bytes.append(8)
      append(Int64(number))
    }
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }
}
