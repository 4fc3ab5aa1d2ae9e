public import CTKCore

/// A base with a peer's changes on it, tensor by tensor as they are read.
public struct PeerSource: TensorSource {
  public let tensors: [TensorInfo]
  private let base: any TensorSource
  private let changes: [UTF8Key: PeerTensor]
  private let infos: [UTF8Key: TensorInfo]
  private let path: String

  /// - Parameter path: the peer's file, for errors.
  /// - Throws: `peer.damaged` when a tensor is named twice.
  public init(
    base: any TensorSource, changes: [PeerTensor], path: String
  ) throws(PatchError) {
    var table: [UTF8Key: PeerTensor] = [:]
    var infos = Dictionary(base.tensors.map { (UTF8Key($0.name), $0) }) { first, _ in first }
    for change in changes {
      guard table.updateValue(change, forKey: UTF8Key(change.name)) == nil else {
        throw PatchError(.peerDamaged, "tensor '\(change.name)' comes twice", path: path)
      }
      if case .whole(let info, _) = change.content { infos[UTF8Key(change.name)] = info }
    }
    self.base = base
    self.changes = table
    self.infos = infos
    self.path = path
    tensors = infos.values.sorted { utf8Precedes($0.name, $1.name) }
  }

  public func info(of name: String) -> TensorInfo? { infos[UTF8Key(name)] }

  public func discard(_ name: String, _ part: Range<Int>?) {
    if changes[UTF8Key(name)] == nil { base.discard(name, part) }
  }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let change = changes[UTF8Key(name)], let info = infos[UTF8Key(name)] else {
      return try base.withTensorBytes(name, body)
    }
    let (values, adds): (ScatteredValues, Bool)
    switch change.content {
    case .whole(_, let load): return try load().withUnsafeBytes(body)
    case .overwrite(let load): (values, adds) = (try load(), false)
    case .add(let load): (values, adds) = (try load(), true)
    }
    let buffer = try base.lend(name) { (bytes) throws(PatchError) in
      TensorBuffer(copying: bytes)
    }
    let scatter = ValueScatter(info: info, values: values, adds: adds, path: path)
    return try buffer.withBytes { bytes in
      try scatter.apply(to: bytes)
      return try body(UnsafeRawBufferPointer(bytes))
    }
  }
}

/// Numbers on their way to the elements of a tensor.
private struct ValueScatter {
  let info: TensorInfo
  let values: ScatteredValues
  let adds: Bool
  let path: String

  func apply(to bytes: UnsafeMutableRawBufferPointer) throws(PatchError) {
    for index in values.indices where index < 0 || index >= info.elementCount {
      throw PatchError(
        .peerDamaged,
        "index \(index) lies outside tensor '\(info.name)' of \(info.elementCount) elements",
        path: path)
    }
    if !adds && values.dtype == info.dtype && info.unitCount == info.elementCount {
      return overwrite(bytes)
    }
    switch CodingUnit(info.dtype).width {
    case .one: try compute(bytes, as: UInt8.self)
    case .two: try compute(bytes, as: UInt16.self)
    case .four: try compute(bytes, as: UInt32.self)
    case .eight: try compute(bytes, as: UInt64.self)
    }
  }

  private func overwrite(_ bytes: UnsafeMutableRawBufferPointer) {
    let width = info.dtype.bitWidth / 8
    values.bytes.withUnsafeBytes { source in
      for (entry, index) in values.indices.enumerated() {
        let value = UnsafeRawBufferPointer(rebasing: source[entry * width..<(entry + 1) * width])
        UnsafeMutableRawBufferPointer(rebasing: bytes[index * width..<(index + 1) * width])
          .copyMemory(from: value)
      }
    }
  }

  private func compute<Word: UnitWord>(
    _ bytes: UnsafeMutableRawBufferPointer, as _: Word.Type
  ) throws(PatchError) {
    guard let target = NumberFormat(info.dtype), let source = NumberFormat(values.dtype),
      !target.isInteger, !source.isInteger, info.dtype != .c64, values.dtype != .c64
    else { throw notRepresentable("\(values.dtype.rawValue) values cannot be put on it") }
    let size = MemoryLayout<Word>.size
    for (entry, index) in values.indices.enumerated() {
      let bits = Word(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Word.self))
      let value = value(entry, source)
      let result = adds ? FloatAddition.sum(target.value(bits), value, in: info.dtype) : value
      guard let rounded = target.bits(nearest: result, as: Word.self),
        adds || target.value(rounded) == result
      else {
        throw notRepresentable("the value of index \(index) does not fit \(info.dtype.rawValue)")
      }
      bytes.storeBytes(of: rounded.littleEndian, toByteOffset: index * size, as: Word.self)
    }
  }

  private func value(_ entry: Int, _ format: NumberFormat) -> Double {
    values.bytes.withUnsafeBytes { bytes in
      switch CodingUnit(values.dtype).width {
      case .one: format.value(bytes[entry])
      case .two: format.value(load(bytes, entry, as: UInt16.self))
      case .four: format.value(load(bytes, entry, as: UInt32.self))
      case .eight: format.value(load(bytes, entry, as: UInt64.self))
      }
    }
  }

  private func load<Word: UnitWord>(
    _ bytes: UnsafeRawBufferPointer, _ entry: Int, as _: Word.Type
  ) -> Word {
    Word(
      littleEndian: bytes.loadUnaligned(
        fromByteOffset: entry * MemoryLayout<Word>.size, as: Word.self))
  }

  private func notRepresentable(_ why: String) -> PatchError {
    PatchError(
      .peerNotRepresentable, "tensor '\(info.name)' is \(info.dtype.rawValue): \(why)", path: path)
  }
}

/// Addition as the peers do it when they put a difference on a weight.
enum FloatAddition {
  /// In binary64 for f64, in binary32 for all others; the caller rounds to the dtype.
  static func sum(_ base: Double, _ difference: Double, in dtype: DType) -> Double {
    dtype == .f64 ? base + difference : Double(Float(base) + Float(difference))
  }
}
