package import CTKCore

/// Digests of two tensors at once, hashed once as far as they are equal.
package struct PairedDigest {
  private var first: TensorDigest
  /// Nil while both tensors had the same bytes.
  private var second: TensorDigest?

  package init(_ old: TensorInfo, _ new: TensorInfo) {
    let isOneLayout = old.dtype == new.dtype && old.shape == new.shape
    first = TensorDigest(old)
    second = isOneLayout ? nil : TensorDigest(new)
  }

  /// Appends to both, and hashes once what has been the same in both up to now.
  ///
  /// - Returns: whether these bytes differ.
  package mutating func compare(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer
  ) -> Bool {
    let isEqual = equalBytes(old, new)
    if second == nil && isEqual {
      first.update(old)
    } else {
      update(old, new)
    }
    return !isEqual
  }

  /// Appends to each.
  package mutating func update(_ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer) {
    if second == nil { second = first }
    first.update(old)
    second?.update(new)
  }

  package consuming func finalize() -> (old: Digest, new: Digest) {
    (first.finalize(), (second ?? first).finalize())
  }
}
