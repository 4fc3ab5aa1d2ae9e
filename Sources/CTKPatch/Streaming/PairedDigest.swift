import CPatchCoder
package import CTKCore

/// Digests of two tensors at once, hashed once as far as they are equal.
///
/// Two tensors of one layout share a processor's instructions for SHA-256, where it
/// has them.
package struct PairedDigest {
  private static let isAvailable = ctk_paired_digest_is_available() != 0

  private let isPaired: Bool
  private var paired = ctk_paired_digest()
  private var first: TensorDigest
  /// Nil while both tensors had the same bytes.
  private var second: TensorDigest?

  /// - Parameter inStep: whether both are to be updated at once, with as many bytes.
  package init(_ old: TensorInfo, _ new: TensorInfo, inStep: Bool = true) {
    let isOneLayout = inStep && old.dtype == new.dtype && old.shape == new.shape
    isPaired = isOneLayout && Self.isAvailable
    first = TensorDigest(old)
    second = isOneLayout ? nil : TensorDigest(new)
    guard isPaired else { return }
    ctk_paired_digest_start(&paired)
    let prologue = Array(Fingerprint.tensorPrologue(dtype: old.dtype, shape: old.shape).utf8)
    ctk_paired_digest_update(&paired, prologue, prologue.count)
  }

  /// Appends to both, and hashes once what has been the same in both up to now.
  ///
  /// - Returns: whether these bytes differ.
  package mutating func compare(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer
  ) -> Bool {
    let isEqual = equalBytes(old, new)
    if isPaired ? paired.strings == 1 && isEqual : second == nil && isEqual {
      updateFirst(old)
    } else {
      update(old, new)
    }
    return !isEqual
  }

  /// Appends to each.
  package mutating func update(_ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer) {
    guard isPaired else {
      if second == nil { second = first }
      first.update(old)
      second?.update(new)
      return
    }
    precondition(old.count == new.count, "tensors of one layout with different sizes")
    guard let old = old.bindMemory(to: UInt8.self).baseAddress,
      let second = new.bindMemory(to: UInt8.self).baseAddress
    else { return }
    ctk_paired_digest_update_each(&paired, old, second, new.count)
  }

  private mutating func updateFirst(_ bytes: UnsafeRawBufferPointer) {
    if !isPaired { return first.update(bytes) }
    guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
    ctk_paired_digest_update(&paired, start, bytes.count)
  }

  package consuming func finalize() -> (old: Digest, new: Digest) {
    guard isPaired else {
      return (first.finalize(), (second ?? first).finalize())
    }
    var (old, new) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
    ctk_paired_digest_finish(&paired, &old, &new)
    return (Digest(unchecked: old), Digest(unchecked: new))
  }
}
