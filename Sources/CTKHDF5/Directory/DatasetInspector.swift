import CTKCore

/// Reads a dataset's description from its object header.
struct DatasetInspector {
  let header: ObjectHeader
  let name: String

  enum Outcome {
    case tensor(StoredDataset)
    /// Not a tensor: why.
    case finding(String)
  }

  private var image: FileImage { header.image }

  /// Whether an object is a dataset.
  static func isDataset(_ header: ObjectHeader) -> Bool {
    header.has(.layout) && header.has(.dataspace)
  }

  /// - Throws: `hdf5.shape-bomb`, `hdf5.external-storage`, `hdf5.virtual-dataset`,
  ///   `hdf5.filter-unsupported`, `hdf5.damaged`, `hdf5.limit-exceeded`.
  func inspect() throws(HDF5Error) -> Outcome {
    if header.has(.externalFiles) {
      throw HDF5Error(
        .externalStorage, "'\(name)' keeps its values in another file",
        hint: "store the values in the HDF5 file itself")
    }
    let layout = try LayoutMessage(try header.required(.layout, "layout"))
    var typeCursor = try header.required(.datatype, "datatype")
    let type = try DatatypeMessage(&typeCursor)
    guard let element = ElementType(type, opaqueName: opaqueName(type)) else {
      return .finding("'\(name)' holds \(type.name): no tensor")
    }
    var spaceCursor = try header.required(.dataspace, "dataspace")
    let space = try DataspaceMessage(&spaceCursor)
    guard let extents = space.extents else {
      return .finding("'\(name)' has a null dataspace: no tensor")
    }
    let info = try info(extents, element)
    let storage = try storage(layout, space, info)
    return .tensor(
      StoredDataset(
        address: header.address, dtype: element.dtype, shape: info.shape,
        isBigEndian: element.isBigEndian,
        storage: storage))
  }

  /// The attribute by which Keras names the type of opaque elements; one that
  /// cannot be read names nothing.
  private func opaqueName(_ type: DatatypeMessage) -> String? {
    guard type.kind == .opaque else { return nil }
    return try? ObjectAttributes.strings("dtype", of: header)?.first
  }

  private func info(_ extents: [UInt64], _ element: ElementType) throws(HDF5Error) -> TensorInfo {
    var shape: [Int] = []
    for extent in extents {
      guard let extent = Int(exactly: extent) else {
        throw HDF5Error(.shapeBomb, "'\(name)' declares an extent of \(extent)")
      }
      shape.append(extent)
    }
    do {
      return try TensorInfo(name: name, dtype: element.dtype, shape: shape)
    } catch {
      throw HDF5Error(.shapeBomb, error.message)
    }
  }
}

// MARK: Storage

extension DatasetInspector {
  private func storage(
    _ layout: LayoutMessage, _ space: DataspaceMessage, _ info: TensorInfo
  ) throws(HDF5Error) -> StoredDataset.Storage {
    let fill = try fillValue(elementByteCount: info.dtype.bitWidth / 8)
    switch layout {
    case .compact(let range): return .contiguous(try prefix(of: range, info))
    case .contiguous(nil, _):
      try refuseBomb(info, stored: 0)
      guard let fill else {
        throw HDF5Error(.damaged, "'\(name)' was never written and has no fill value")
      }
      return .absent(fill: fill)
    case .contiguous(.some(let address), let declared):
      if info.byteCount == 0 { return .contiguous(0..<0) }
      let byteCount = declared ?? UInt64(info.byteCount)
      let cursor = try image.cursor(at: address, byteCount: byteCount, "data of a dataset")
      return .contiguous(try prefix(of: cursor.start..<cursor.end, info))
    case .chunked(let chunks):
      guard chunks.shape.count == info.shape.count else {
        throw HDF5Error(
          .damaged, "'\(name)' of shape \(info.shape) has chunks of shape \(chunks.shape)")
      }
      let storage = ChunkStorage(
        layout: chunks, maxima: space.maxima,
        filters: try FilterMessage.filters(of: header, dataset: name), fill: fill)
      try refuseBomb(info, storage)
      return .chunked(storage)
    }
  }

  private func prefix(of range: Range<Int>, _ info: TensorInfo) throws(HDF5Error) -> Range<Int> {
    guard info.byteCount <= range.count else {
      throw HDF5Error(
        .damaged, "'\(name)' needs \(info.byteCount) bytes, \(range.count) are stored")
    }
    return range.prefix(info.byteCount)
  }

  /// One element as stored; nil when the file leaves it undefined.
  private func fillValue(elementByteCount: Int) throws(HDF5Error) -> [UInt8]? {
    switch try FillValueMessage(of: header) {
    case .zero: return [UInt8](repeating: 0, count: elementByteCount)
    case .undefined: return nil
    case .value(let bytes):
      guard bytes.count == elementByteCount else {
        throw HDF5Error(
          .damaged,
          "'\(name)' has a fill value of \(bytes.count) bytes, \(elementByteCount) expected")
      }
      return bytes
    }
  }

  /// A small dataset may be allocated whatever is stored; its index is left
  /// alone until the values are asked for.
  private func refuseBomb(_ info: TensorInfo, _ chunks: ChunkStorage) throws(HDF5Error) {
    guard HDF5Limits.isBomb(declared: info.byteCount, stored: 0) else { return }
    try refuseBomb(info, stored: image.bytes.count)
    let locator = ChunkLocator(
      image: image, chunks: chunks,
      grid: try ChunkGrid(info.shape, chunk: chunks.layout.shape, name: name),
      elementByteCount: info.dtype.bitWidth / 8, name: name)
    let stored = try locator.chunksByNumber().values.reduce(0) {
      min($0 + $1.bytes.count, image.bytes.count)
    }
    try refuseBomb(info, stored: stored)
  }

  private func refuseBomb(_ info: TensorInfo, stored: Int) throws(HDF5Error) {
    if HDF5Limits.isBomb(declared: info.byteCount, stored: stored) {
      throw HDF5Error(
        .shapeBomb,
        "'\(name)' of shape \(info.shape) declares \(info.byteCount) bytes and stores \(stored)")
    }
  }
}
