import CTKCore

extension ChangeSpread {
  /// Measures the tensors `names`, as far as their changes can be rounded.
  ///
  /// - Throws: the codes of the sources.
  init(
    base: any TensorSource, tuned: any TensorSource, names: [String], _ workers: Workers
  ) throws(PatchError) {
    let spreads = try workers.map(
      weights: names.map { tuned.info(of: $0)?.byteCount ?? 0 }
    ) { (index) throws(PatchError) in try Self.measure(names[index], base, tuned) }
    self.init()
    for spread in spreads { add(spread) }
  }

  private static func measure(
    _ name: String, _ base: any TensorSource, _ tuned: any TensorSource
  ) throws(PatchError) -> ChangeSpread {
    guard let before = base.info(of: name), let after = tuned.info(of: name),
      after.dtype == .f32, PatchEntry.Kind(before: before, after: after).hasChanges
    else { return ChangeSpread() }
    return try base.lend(name) { (old) throws(PatchError) in
      try tuned.lend(name) { (new) throws(PatchError) in
        let shared = 0..<min(old.count, new.count)
        defer { for source in [base, tuned] { source.discard(name, shared) } }
        return ChangeSpread(
          base: UnsafeRawBufferPointer(rebasing: old[shared]),
          tuned: UnsafeRawBufferPointer(rebasing: new[shared]),
          rowUnits: UnitStreamEncoder(after, choice: .auto).width ?? after.unitCount)
      }
    }
  }
}
