import CTKCore

/// Which modules an adapter changes element by element, and which it stores whole.
///
/// SHiRA has one rank r for all layers: each matrix of m by n stores exactly
/// r (m + n) numbers. The rank is the one with the smallest file.
struct ShiraPlan {
  /// A linear layer's weight and the elements of it that change.
  struct Layer {
    let info: TensorInfo
    let changed: Int
    let module: String

    /// Smallest rank that has room for the changes.
    var rank: Int { (changed + side - 1) / side }
    var side: Int { info.shape[0] + info.shape[1] }

    func fits(_ rank: Int) -> Bool { rank >= self.rank && rank * side <= info.elementCount }
  }

  /// Bytes of a number and its two coordinates.
  private static let entryByteCount = 12

  let rank: Int
  let layers: [Layer]
  /// Modules stored whole, sorted.
  let modules: [String]

  /// - Throws: `peer.not-representable` when no linear layer changes, or a tensor belongs
  ///   to no module.
  init(_ changes: PeerChanges, base: any TensorSource, tuned: any TensorSource) throws(PatchError) {
    var (candidates, modules): ([Layer], Set<String>) = ([], [])
    for info in changes.whole + changes.changed {
      guard let module = Self.module(of: info.name) else {
        throw PatchError(
          .peerNotRepresentable, "tensor '\(info.name)' belongs to no module, which PEFT needs")
      }
      if Self.isLinearWeight(info), changes.changed.contains(info) {
        let count = try ChangedElements(info, base: base, tuned: tuned).indices.count
        candidates.append(Layer(info: info, changed: count, module: module))
      } else {
        modules.insert(module)
      }
    }
    candidates.removeAll { modules.contains($0.module) }
    let costs = Set(candidates.map(\.rank)).sorted().map { rank in
      (rank: rank, bytes: candidates.reduce(0) { $0 + Self.cost($1, rank: rank) })
    }
    let rank = costs.min { $0.bytes < $1.bytes }?.rank ?? 0
    let layers = candidates.filter { $0.fits(rank) }
    guard !layers.isEmpty else {
      throw PatchError(
        .peerNotRepresentable, "no linear layer changes in few enough elements for an adapter",
        hint: "use ctk's own patches, or --to sparse-safetensors")
    }
    self.rank = rank
    self.layers = layers
    let rest = candidates.filter { !$0.fits(rank) }.map(\.module)
    self.modules = modules.union(rest).sorted(by: utf8Precedes)
  }

  private static func cost(_ layer: Layer, rank: Int) -> Int {
    layer.fits(rank) ? entryByteCount * rank * layer.side : layer.info.byteCount
  }

  private static func module(of name: String) -> String? {
    name.lastIndex(of: ".").map { String(name[..<$0]) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Weights of layers that PEFT takes for linear ones; embeddings are matrices, too.
  private static func isLinearWeight(_ info: TensorInfo) -> Bool {
    info.shape.count == 2 && info.elementCount > 0 && info.name.hasSuffix(".weight")
      && !info.name.contains("embed") && [.f32, .f16, .bf16].contains(info.dtype)
      && info.shape.allSatisfy { $0 <= Int(Int32.max) }
  }
}
