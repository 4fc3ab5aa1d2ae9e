public import CTKCore

/// The changes of a patch, decoded and kept in memory: positions and both sides' bits.
///
/// Takes ten bytes for each changed `F32` weight. Tensors that are not changed in place,
/// such as a new task head, are not part of it: `PatchFile.addedTensor` gives them.
public struct ResidentTask: Sendable {
  let changes: [UTF8Key: ResidentChanges]

  /// Decodes a patch against the base's tensors.
  ///
  /// - Parameter base: lends the bytes of a tensor of the base, which must stay as they
  ///   are while this runs; nil where there is none.
  /// - Throws: `tensor.missing`, `patch.needs-mask`, `patch.damaged`, `patch.unsupported`.
  public init(
    _ patch: PatchFile, threadCount: Int? = nil,
    base: (String) -> UnsafeRawBufferPointer?
  ) throws(PatchError) {
    let names = patch.inPlaceNames
    let tensors = try names.map { (name) throws(PatchError) in
      guard let bytes = base(name), bytes.count == patch.entry(named: name)?.before?.info.byteCount
      else {
        throw PatchError(
          wrapping: CoreError(
            .tensorMissing, "the base lacks tensor '\(name)', or has it in another size"))
      }
      return bytes
    }
    // Workers only read what the caller keeps unchanged.
    nonisolated(unsafe) let lent = tensors
    let decoded = try Workers(threadCount: threadCount).map(weights: lent.map(\.count)) {
      (index) throws(PatchError) in
      ResidentChanges(
        try patch.tensorPatch(named: names[index], base: lent[index]), base: lent[index])
    }
    changes = Dictionary(
      zip(names.map(UTF8Key.init), decoded), uniquingKeysWith: { first, _ in first })
  }

  /// Bytes that the task keeps.
  public var byteCount: Int { changes.values.reduce(0) { $0 + $1.byteCount } }
}

extension PatchFile {
  /// Tensors that the patch changes in place, aliases of such tensors too.
  package var inPlaceNames: [String] {
    header.entries.filter(changesInPlace).map(\.name)
  }

  /// Whether a tensor keeps its bytes' places on both sides.
  package func changesInPlace(_ entry: PatchEntry) -> Bool {
    entry.before != nil && entry.after != nil && content(of: entry)?.changesInPlace == true
  }
}
