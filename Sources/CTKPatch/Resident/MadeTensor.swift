import CTKCore

/// One tensor in memory that is only read.
private struct LentTensor: TensorSource {
  let lent: TensorInfo
  // The lender keeps the bytes while the source is used.
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  var tensors: [TensorInfo] { [lent] }

  func info(of name: String) -> TensorInfo? { UTF8Key(name) == UTF8Key(lent.name) ? lent : nil }

  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try body(bytes)
  }
}

extension PatchFile {
  /// Makes one side of a tensor in memory and checks its digest.
  ///
  /// - Parameters:
  ///   - entry: one of the header's, with a tensor on that side.
  ///   - source: the tensor as the other side has it; for an alias of a tensor that the
  ///     patch does not touch, that tensor. Empty where there is none.
  ///   - output: receives the bytes; undefined after an error.
  /// - Throws: `patch.wrong-result`, `patch.damaged`, `patch.unsupported`.
  package func make(
    _ entry: PatchEntry, side: PatchSide, source: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) throws(PatchError) {
    guard let result = entry.state(side) else { return }
    let other: PatchSide = side == .after ? .before : .after
    guard let content = content(of: entry) else {
      guard source.count == output.count else { throw wrongSource(entry) }
      output.copyMemory(from: source)
      return try require(result, entry, UnsafeRawBufferPointer(output))
    }
    try requirePlausible(content)
    let operation = TensorOperation(
      patch: self, entry: content, direction: side == .after ? .apply : .revert)
    let origin = operation.needsSource ? content.state(other)?.info : nil
    if let origin, origin.byteCount != source.count { throw wrongSource(entry) }
    let route = TensorRoute(
      name: entry.name, source: nil, result: result.info, declared: (nil, result.digest),
      isTouched: true, origin: origin, operations: [operation])
    let lent = LentTensor(lent: origin ?? result.info, bytes: source)
    _ = try route.run(lent) { offset, bytes in
      UnsafeMutableRawBufferPointer(rebasing: output[offset..<offset + bytes.count])
        .copyMemory(from: bytes)
    }
    try require(result, entry, UnsafeRawBufferPointer(output))
  }

  private func require(
    _ result: TensorState, _ entry: PatchEntry, _ bytes: UnsafeRawBufferPointer
  ) throws(PatchError) {
    if Fingerprint.tensor(result.info, bytes: bytes) != result.digest {
      throw PatchError(
        .wrongResult, "tensor '\(entry.name)' did not come out as the patch says", path: path)
    }
  }

  private func wrongSource(_ entry: PatchEntry) -> PatchError {
    PatchError(.wrongBase, "tensor '\(entry.name)' needs a source of another size", path: path)
  }
}
