import CTKCore

/// Maker of the drafts of a patch between two checkpoints.
///
/// Each tensor is read once, a tile at a time.
struct TensorPairEncoder {
  let base: any TensorSource
  let tuned: any TensorSource
  let options: ExportOptions
  /// The largest step of rounded changes.
  var step = 0.0
  let spool: Spool

  /// A tensor that is at hand.
  private struct Loan {
    let info: TensorInfo
    let bytes: UnsafeRawBufferPointer
    let source: any TensorSource

    subscript(_ range: Range<Int>) -> UnsafeRawBufferPointer { .init(rebasing: bytes[range]) }

    func discard(_ range: Range<Int>) { source.discard(info.name, range) }
  }

  /// - Throws: `output.*`, and the codes of the sources.
  func draft(_ name: String) throws(PatchError) -> TensorDraft {
    try lend(name, of: base) { (old) throws(PatchError) in
      try lend(name, of: tuned) { (new) throws(PatchError) in
        if let old, let new, PatchEntry.Kind(before: old.info, after: new.info).hasChanges {
          return try compare(old, new)
        }
        return try replace(name, old, new)
      }
    }
  }

  private func lend(
    _ name: String, of source: any TensorSource,
    _ body: (Loan?) throws(PatchError) -> TensorDraft
  ) throws(PatchError) -> TensorDraft {
    guard let info = source.info(of: name) else { return try body(nil) }
    return try source.lend(name) { (bytes) throws(PatchError) in
      try body(Loan(info: info, bytes: bytes, source: source))
    }
  }

  /// Codes the units that both sides have as differences, and the rest whole.
  private func compare(_ old: Loan, _ new: Loan) throws(PatchError) -> TensorDraft {
    guard options.rounding != .none, new.info.dtype == .f32 else {
      return try compare(old, new, nil, nil)
    }
    let shared = min(old.bytes.count, new.bytes.count)
    let buffer = TensorBuffer(copying: new.bytes)
    return try buffer.withBytes { (target) throws(PatchError) in
      let encoder = encoder(new, options.codec)
      let rounding = TensorRounding(
        options.rounding, step: step, base: old[0..<shared], tuned: new[0..<shared],
        target: UnsafeMutableRawBufferPointer(rebasing: target[..<shared]),
        rowUnits: encoder.width ?? new.info.unitCount)
      let state = RoundedState(
        error: rounding.error, unrounded: Fingerprint.tensor(new.info, bytes: new.bytes))
      for loan in [old, new] { loan.discard(0..<loan.bytes.count) }
      return try compare(
        old,
        Loan(info: new.info, bytes: UnsafeRawBufferPointer(target), source: TensorCollection()),
        rounding, state)
    }
  }

  private func compare(
    _ old: Loan, _ new: Loan, _ rounding: TensorRounding?, _ rounded: RoundedState?
  ) throws(PatchError) -> TensorDraft {
    let kind = PatchEntry.Kind(before: old.info, after: new.info)
    let shared = 0..<min(old.bytes.count, new.bytes.count)
    var stream = DraftStream(spool, options.codec)
    var hashes = PairedDigest(old.info, new.info)
    let changes = try stream.add { (choice, sink) throws(PatchError) in
      try encodeShared(old, new, shared, choice, rounding, &hashes, to: sink)
    }
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    if kind == .shrunk {
      let rest = shared.upperBound..<old.bytes.count
      try encode(old, rest, { hashes.update($0, empty) }, &stream)
    } else if kind == .grown {
      let rest = shared.upperBound..<new.bytes.count
      try encode(new, rest, { hashes.update(empty, $0) }, &stream)
    }
    let digests = hashes.finalize()
    return try stream.finish(
      new.info.name, before: TensorState(info: old.info, digest: digests.old),
      after: TensorState(info: new.info, digest: digests.new), changes: changes,
      rounded: rounded)
  }

  private func encodeShared(
    _ old: Loan, _ new: Loan, _ shared: Range<Int>, _ choice: CodecChoice,
    _ rounding: TensorRounding?, _ hashes: inout PairedDigest, to sink: UnitStreamEncoder.Sink
  ) throws(PatchError) -> EncodedStream {
    var (last, blockStart) = (0..<0, 0)
    var encoder = encoder(new, choice)
    encoder.rounding = rounding
    if old.info.shape == new.info.shape {
      encoder.mask = options.mask?.tensor(named: new.info.name).flatMap {
        MaskedUnits($0, unitCount: new.info.unitCount, shape: new.info.shape)
      }
    }
    let encoded = try encoder.encodeChanges(
      base: old[shared], tuned: new[shared],
      observer: { range in
        for loan in [old, new] { loan.discard(last) }
        last = range
        return hashes.compare(old[range], new[range])
      },
      to: { (bytes) throws(PatchError) in
        try sink(bytes)
        // Coding a block may have read the base again.
        old.discard(blockStart..<last.upperBound)
        blockStart = last.upperBound
      })
    new.discard(last)
    return encoded
  }

  /// Codes each side whole.
  private func replace(
    _ name: String, _ old: Loan?, _ new: Loan?
  ) throws(PatchError) -> TensorDraft {
    var stream = DraftStream(spool, options.codec)
    var states: [TensorState?] = []
    for loan in [old, new] {
      guard let loan else {
        states.append(nil)
        continue
      }
      var digest = TensorDigest(loan.info)
      try encode(loan, 0..<loan.bytes.count, { digest.update($0) }, &stream)
      states.append(TensorState(info: loan.info, digest: digest.finalize()))
    }
    return try stream.finish(name, before: states[0], after: states[1], changes: 0)
  }

  /// Codes and hashes a part of a tensor from zero bits.
  private func encode(
    _ loan: Loan, _ part: Range<Int>, _ hash: (UnsafeRawBufferPointer) -> Void,
    _ stream: inout DraftStream
  ) throws(PatchError) {
    _ = try stream.add { (choice, sink) throws(PatchError) in
      var last = 0..<0
      let encoded = try encoder(loan, choice).encodeWhole(
        loan[part],
        observer: { range in
          loan.discard(last)
          last = part.lowerBound + range.lowerBound..<part.lowerBound + range.upperBound
          hash(loan[last])
          return true
        }, to: sink)
      loan.discard(last)
      return encoded
    }
  }

  private func encoder(_ loan: Loan, _ choice: CodecChoice) -> UnitStreamEncoder {
    UnitStreamEncoder(loan.info, choice: choice, blockShift: options.blockShift)
  }
}
