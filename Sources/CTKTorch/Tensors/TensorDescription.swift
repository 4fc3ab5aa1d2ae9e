import CTKCore

/// A storage as a pickle names it.
struct StorageRecord: Sendable, Equatable {
  /// The member's name under `data/`.
  let key: String
  /// Nil for an untyped storage.
  let dtype: DType?
  /// Elements, or bytes of an untyped storage.
  let count: Int

  /// - Throws: `torch.storage-invalid` when it does not fit 64 bits.
  func byteCount() throws(TorchError) -> Int {
    guard let dtype else { return count }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype.bitWidth / 8)
    guard !overflow else {
      throw TorchError(.storageInvalid, "storage '\(key)' has too many elements: \(count)")
    }
    return bytes
  }
}

/// A tensor as a pickle describes it: a strided view of a storage, counted in elements.
struct TensorDescription: Sendable, Hashable {
  /// Number of the storage in the pickle's heap.
  let storage: Int
  let dtype: DType
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}
