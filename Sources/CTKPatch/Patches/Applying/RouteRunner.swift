import CTKCore

/// Runs the routes of a chain on all processors and judges what they found.
struct RouteRunner {
  let chain: PatchChain
  let source: any TensorSource
  let workers: Workers
  let progress: ProgressHandler?
  private let buffers = TileBuffers()

  init(
    chain: PatchChain, source: any TensorSource, workers: Workers, progress: ProgressHandler?
  ) {
    (self.chain, self.source, self.workers, self.progress) = (chain, source, workers, progress)
  }

  /// Runs some of the routes.
  ///
  /// - Parameters:
  ///   - completed: routes that were run before, for the progress.
  ///   - sink: receives each route's bytes on the thread that makes them.
  /// - Throws: what `SourceDiagnosis` finds, `patch.wrong-result`, `patch.damaged`,
  ///   and the codes of the source and of `sink`.
  func run(
    _ routes: [TensorRoute], completed: Int = 0, of total: Int,
    _ sink: (TensorRoute, Int, UnsafeRawBufferPointer) throws(PatchError) -> Void = { _, _, _ in }
  ) throws(PatchError) -> [RouteDigests] {
    do {
      return try workers.map(
        weights: routes.map(\.weight), completed: { report(completed + $0, of: total) }
      ) { (index) throws(PatchError) in
        let route = routes[index]
        let found = try route.run(source, in: buffers) { (offset, bytes) throws(PatchError) in
          try sink(route, offset, bytes)
        }
        try route.check(found, chain)
        return found
      }
    } catch {
      throw try judged(error)
    }
  }

  /// Makes one tensor of the result in memory.
  ///
  /// - Throws: as `run`.
  func tensor(_ route: TensorRoute) throws(PatchError) -> TensorBuffer {
    let buffer = TensorBuffer(byteCount: route.result?.byteCount ?? 0)
    _ = try run([route], of: 1) { _, offset, bytes in
      buffer.withBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: bytes)
      }
    }
    return buffer
  }

  /// A patch on a wrong source may look damaged; the source is to blame then.
  private func judged(_ error: PatchError) throws(PatchError) -> PatchError {
    let codes: [PatchErrorCode] = [.wrongResult, .damaged, .unsupported]
    guard codes.contains(where: { $0.rawValue == error.code }) else { return error }
    let diagnosis = try SourceDiagnosis(chain: chain, source: source, workers)
    return diagnosis.isSource ? error : diagnosis.error()
  }

  private func report(_ completed: Int, of total: Int) {
    progress?(
      ProgressEvent(
        stage: chain.purpose.verb, completed: completed, total: total, unit: "tensors"))
  }
}

extension PatchChain.Purpose {
  var verb: String {
    switch self {
    case .apply: "apply"
    case .revert: "revert"
    case .replace: "switch"
    }
  }
}
