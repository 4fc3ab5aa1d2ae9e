import CTKCore
import Synchronization

/// A base with several patches put on together, tensor by tensor as they are read.
final class ComposedSource: TensorSource {
  let tensors: [TensorInfo]

  private let base: any TensorSource
  private let patches: [PatchFile]
  private let policy: ComposePolicy
  private let plan: CompositionPlan
  private let infos: [UTF8Key: TensorInfo]
  private let conflicts = Mutex<[UTF8Key: TensorConflict]>([:])

  init(
    base: any TensorSource, patches: [PatchFile], policy: ComposePolicy, plan: CompositionPlan
  ) {
    self.base = base
    self.patches = patches
    self.policy = policy
    self.plan = plan
    var infos = Dictionary(base.tensors.map { (UTF8Key($0.name), $0) }) { first, _ in first }
    for (key, action) in plan.actions {
      switch action {
      case .remove: infos[key] = nil
      case .merge: break
      case .take(let patch, let entry):
        infos[key] = patches[patch].entry(named: entry)?.after?.info.renamed(key.text)
      }
    }
    self.infos = infos
    tensors = infos.values.sorted { utf8Precedes($0.name, $1.name) }
  }

  func info(of name: String) -> TensorInfo? { infos[UTF8Key(name)] }

  func discard(_ name: String, _ part: Range<Int>?) {
    if plan.actions[UTF8Key(name)] == nil { base.discard(name, part) }
  }

  /// How the patches meet in the tensors that were read, in name order.
  var report: [TensorConflict] {
    let found = conflicts.withLock { Array($0.values) } + plan.settled
    return found.sorted { utf8Precedes($0.name, $1.name) }
  }

  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let info = infos[UTF8Key(name)] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    let buffer: TensorBuffer
    switch plan.actions[UTF8Key(name)] {
    case nil, .remove: return try base.withTensorBytes(name, body)
    case .take(let patch, let entry): buffer = try take(entry, from: patches[patch])
    case .merge(let touching): buffer = try merge(info, touching.map { patches[$0] })
    }
    return try buffer.withBytes { try body(UnsafeRawBufferPointer($0)) }
  }

  private func take(_ name: String, from patch: PatchFile) throws(PatchError) -> TensorBuffer {
    try require(name, as: patch)
    let chain = try PatchChain([patch], direction: .apply)
    let runner = RouteRunner(
      chain: chain, source: base, workers: Workers(threadCount: 1), progress: nil)
    return try runner.tensor(try chain.route(of: name, base.info(of: name), base))
  }

  private func merge(
    _ info: TensorInfo, _ touching: [PatchFile]
  ) throws(PatchError) -> TensorBuffer {
    let buffer = try copy(of: info.name, for: touching[0])
    var changes: [TensorPatch] = []
    for patch in touching {
      changes.append(
        try buffer.withBytes { (bytes) throws(PatchError) in
          try patch.tensorPatch(named: info.name, base: UnsafeRawBufferPointer(bytes))
        })
    }
    let composition = ChangeComposition(info: info, policy: policy, patches: changes)
    let conflict = try buffer.withBytes { (bytes) throws(PatchError) in
      try composition.apply(to: bytes)
    }
    conflicts.withLock { $0[UTF8Key(info.name)] = conflict }
    return buffer
  }

  private func copy(of name: String, for patch: PatchFile) throws(PatchError) -> TensorBuffer {
    try require(name, as: patch)
    return try base.lend(name) { (bytes) throws(PatchError) in TensorBuffer(copying: bytes) }
  }

  /// Refuses a base whose tensor is not as the patch's table describes it.
  private func require(_ name: String, as patch: PatchFile) throws(PatchError) {
    if base.info(of: name) == patch.entry(named: name)?.before?.info { return }
    throw PatchError(
      .wrongBase, "tensor '\(name)' is not in the base as the patch describes it",
      path: patch.path, hint: "give the base the patches were made from")
  }
}
