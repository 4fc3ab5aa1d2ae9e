public import CTKCore

/// The changes of a tuned model as composable-sft stores them: float differences at steps between
/// positions, and whole tensors beside them.
///
/// The file itself, a pickle, belongs to `CTKTorch`.
public struct SparseFineTuning {
  /// Tensors that change element by element.
  public let differences: [TensorInfo]
  /// Tensors that are stored as they are: new ones, and those that no difference of floats gives.
  public let whole: [TensorInfo]
  /// What has been written so far.
  public private(set) var summary = PeerSummary(format: .sft)

  private let base: any TensorSource
  private let tuned: any TensorSource

  /// Its positions are 32-bit integers.
  private static let elementLimit = Int(Int32.max)

  /// - Throws: `peer.not-representable` when a tensor was removed, and the codes of the sources.
  public init(base: any TensorSource, tuned: any TensorSource) throws(PatchError) {
    let changes = try PeerChanges(base: base, tuned: tuned)
    let isDifference = { (info: TensorInfo) in
      FloatDifference(info.dtype) != nil && !info.shape.isEmpty
        && info.elementCount <= Self.elementLimit
    }
    differences = changes.changed.filter(isDifference)
    whole = (changes.whole + changes.changed.filter { !isDifference($0) })
      .sorted { utf8Precedes($0.name, $1.name) }
    self.base = base
    self.tuned = tuned
    summary.whole = whole.map(\.name)
  }

  /// From each changed element to the next, counted with the first axis fastest.
  public mutating func steps(of info: TensorInfo) throws(PatchError) -> [Int] {
    let positions = try positions(of: info)
    summary.changed += positions.count
    summary.stored += positions.count
    return zip(positions, [0] + positions).map { $0 - $1 }
  }

  /// The 32-bit floats to add, in the order of the steps.
  public mutating func values(of info: TensorInfo) throws(PatchError) -> [UInt8] {
    guard let format = FloatDifference(info.dtype) else { return [] }
    let order = ColumnMajorOrder(info.shape)
    let places = try positions(of: info).map(order.rowMajor(ofColumnMajor:))
    var noted = summary
    let bytes = try base.lend(info.name) { (old) throws(PatchError) in
      try tuned.lend(info.name) { (new) throws(PatchError) in
        switch info.dtype {
        case .f64: Self.values(places, old, new, format, as: UInt64.self, noting: &noted)
        case .f32: Self.values(places, old, new, format, as: UInt32.self, noting: &noted)
        default: Self.values(places, old, new, format, as: UInt16.self, noting: &noted)
        }
      }
    }
    summary = noted
    return bytes
  }

  /// The bytes of a tensor that is stored whole.
  public func bytes(of info: TensorInfo) throws(PatchError) -> [UInt8] {
    try tuned.lend(info.name) { (bytes) throws(PatchError) in Array(bytes) }
  }

  private func positions(of info: TensorInfo) throws(PatchError) -> [Int] {
    let order = ColumnMajorOrder(info.shape)
    return try ChangedElements(info, base: base, tuned: tuned).indices
      .map(order.columnMajor(ofRowMajor:)).sorted()
  }

  private static func values<Word: UnitWord>(
    _ places: [Int], _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    _ format: FloatDifference, as _: Word.Type, noting summary: inout PeerSummary
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * places.count)
    for place in places {
      let offset = place * MemoryLayout<Word>.size
      let result = format.between(
        Word(littleEndian: old.loadUnaligned(fromByteOffset: offset, as: Word.self)),
        Word(littleEndian: new.loadUnaligned(fromByteOffset: offset, as: Word.self)))
      summary.note(result)
      withUnsafeBytes(of: result.difference.bitPattern.littleEndian) { bytes += $0 }
    }
    return bytes
  }
}

// MARK: Reading

extension SparseFineTuning {
  /// One tensor's differences as a file has them.
  public struct Differences: Sendable {
    public let size: [Int]
    public let steps: [Int]
    public let dtype: DType

    public init(size: [Int], steps: [Int], dtype: DType) {
      self.size = size
      self.steps = steps
      self.dtype = dtype
    }
  }

  /// The change that differences make.
  ///
  /// - Parameters:
  ///   - info: the tensor of the base.
  ///   - path: the file, for errors.
  ///   - load: gives the values' bytes, one for each step.
  /// - Throws: `peer.damaged` when size or positions are not the tensor's.
  public static func change(
    _ info: TensorInfo, by differences: Differences, path: String,
    _ load: @escaping PeerTensor.Load<[UInt8]>
  ) throws(PatchError) -> PeerTensor {
    guard differences.size == info.shape else {
      throw PatchError(
        .peerDamaged, "'\(info.name)' has shape \(info.shape), the file says \(differences.size)",
        path: path, hint: "give the base that the file was made for")
    }
    let indices = try positions(differences.steps, in: info, path: path)
    return PeerTensor(
      name: info.name,
      content: .add { () throws(PatchError) in
        ScatteredValues(indices: indices, dtype: differences.dtype, bytes: try load())
      })
  }

  private static func positions(
    _ steps: [Int], in info: TensorInfo, path: String
  ) throws(PatchError) -> [Int] {
    let order = ColumnMajorOrder(info.shape)
    var indices: [Int] = []
    indices.reserveCapacity(steps.count)
    var position = 0
    for (entry, step) in steps.enumerated() {
      // Differences of one element twice would be two additions here and one there.
      guard step > 0 || (step == 0 && entry == 0), step < info.elementCount - position else {
        throw PatchError(
          .peerDamaged,
          "step \(entry) of '\(info.name)', \(step), leads outside its \(info.elementCount) elements "
            + "or to one twice", path: path)
      }
      position += step
      indices.append(order.rowMajor(ofColumnMajor: position))
    }
    return indices
  }
}
