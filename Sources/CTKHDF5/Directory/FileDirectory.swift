import CTKCore

/// Everything a file holds: its tensors, its groups and what was left out.
struct FileDirectory: Sendable {
  /// Tensors with their descriptions, sorted by the UTF-8 bytes of their names.
  private(set) var tensors: [(info: TensorInfo, dataset: StoredDataset)] = []
  /// Addresses of the groups by the UTF-8 bytes of their paths; the root has none.
  private(set) var groups: [[UInt8]: UInt64] = [:]
  private(set) var findings: [String] = []

  mutating func add(group path: String, at address: UInt64) {
    groups[Array(path.utf8)] = address
  }

  mutating func add(finding: String) { findings.append(finding) }

  mutating func add(_ dataset: StoredDataset, as path: String) throws(HDF5Error) {
    let info = try HDF5Error.wrap { () throws(CoreError) in
      try TensorInfo(name: path, dtype: dataset.dtype, shape: dataset.shape)
    }
    tensors.append((info, dataset))
  }

  /// Sorts the tensors.
  ///
  /// - Throws: `hdf5.type-unsupported` when there are findings only;
  ///   `hdf5.damaged` for a name that occurs twice.
  mutating func finish() throws(HDF5Error) {
    if tensors.isEmpty, let finding = findings.first {
      throw HDF5Error(.typeUnsupported, "the file holds no tensor: \(finding)")
    }
    tensors.sort { utf8Precedes($0.info.name, $1.info.name) }
    for (left, right) in zip(tensors, tensors.dropFirst())
    where left.info.name.utf8.elementsEqual(right.info.name.utf8) {
      throw HDF5Error(.damaged, "there are two datasets '\(left.info.name)'")
    }
  }

  /// Position of a tensor.
  func position(of name: String) -> Int? {
    var (low, high) = (0, tensors.count)
    while low < high {
      let middle = (low + high) / 2
      if utf8Precedes(tensors[middle].info.name, name) { low = middle + 1 } else { high = middle }
    }
    guard low < tensors.count, tensors[low].info.name.utf8.elementsEqual(name.utf8) else {
      return nil
    }
    return low
  }
}
