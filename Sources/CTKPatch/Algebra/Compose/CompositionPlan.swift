import CTKCore

/// What becomes of every tensor that composed patches touch.
struct CompositionPlan: Sendable {
  /// How one tensor of the result comes about.
  enum Action: Sendable {
    /// As one patch has it; its entry may bear another name.
    case take(patch: Int, entry: String)
    /// Changes of several patches together.
    case merge(patches: [Int])
    /// Not in the result.
    case remove
  }

  private(set) var actions: [UTF8Key: Action] = [:]
  /// Tensors that patches hold whole, each in its own way, and how it was settled.
  private(set) var settled: [TensorConflict] = []

  private let patches: [PatchFile]
  private let heads: HeadPolicy

  /// - Throws: `compose.conflict`.
  init(_ patches: [PatchFile], heads: HeadPolicy) throws(PatchError) {
    self.patches = patches
    self.heads = heads
    for name in sortedNames(patches.flatMap { $0.header.entries.map(\.name) }) { try add(name) }
  }

  private mutating func add(_ name: String) throws(PatchError) {
    let touching = patches.indices.filter { patches[$0].entry(named: name) != nil }
    let entries = touching.compactMap { patches[$0].entry(named: name) }
    guard let first = entries.first else { return }
    let contents = touching.map { patch in
      patches[patch].entry(named: name).flatMap { patches[patch].content(of: $0) }
    }
    if contents.allSatisfy({ $0?.kind == .changed }) {
      actions[UTF8Key(name)] =
        touching.count == 1 ? .take(patch: touching[0], entry: name) : .merge(patches: touching)
    } else if entries.allSatisfy({ $0.after == first.after }) {
      take(name, from: touching[0])
    } else {
      try settle(name, touching, canRename: entries.allSatisfy { $0.before == nil })
    }
  }

  private mutating func take(_ name: String, from patch: Int) {
    let isRemoved = patches[patch].entry(named: name)?.after == nil
    actions[UTF8Key(name)] = isRemoved ? .remove : .take(patch: patch, entry: name)
  }

  private mutating func settle(
    _ name: String, _ touching: [Int], canRename: Bool
  ) throws(PatchError) {
    switch heads {
    case .first: take(name, from: touching[0])
    case .last: take(name, from: touching[touching.count - 1])
    case .rename where canRename:
      for patch in touching {
        let own = UTF8Key("\(name)@\(label(of: patch))")
        guard actions[own] == nil, !patches.contains(where: { $0.entry(named: own.text) != nil })
        else {
          throw conflict(name, "the name '\(own.text)' is taken")
        }
        actions[own] = .take(patch: patch, entry: name)
      }
    case .rename: throw conflict(name, "not all of the patches add it")
    case .error: throw conflict(name, "the patches do not agree on it")
    }
    var conflict = TensorConflict(
      name: name, unitCount: 0, changes: touching.map { _ in 0 })
    conflict.settled = heads
    settled.append(conflict)
  }

  /// The patch's task where it tells the patches apart, its place otherwise.
  private func label(of patch: Int) -> String {
    guard let task = patches[patch].header.provenance.task,
      patches.count(where: { $0.header.provenance.task == task }) == 1
    else { return "\(patch + 1)" }
    return task
  }

  private func conflict(_ name: String, _ why: String) -> PatchError {
    PatchError(
      .composeConflict, "tensor '\(name)' cannot be composed: \(why)",
      hint: "settle whole tensors with --heads first, last or rename")
  }
}
