package import CTKModel
package import CTKTensor

/// Which weights train, and where each lies in the compact vector.
///
/// The compact vector holds the gradients, moments and values of exactly the
/// weights that train: a dense tensor whole, a child tensor at its positions.
package final class TrainablePlan: Sendable {
  /// The part of one parameter that trains.
  package struct Slice: Sendable {
    package let id: ParameterID
    /// First entry in the compact vector.
    package let start: Int
    package let count: Int
    /// First entry in `positions`, or nil when the whole parameter trains.
    package let firstPosition: Int?
    package let decays: Bool
    /// Factor on the learning rate.
    package let rateFactor: Float
    /// Whether the base has the parameter; nothing is pulled towards a drawn value.
    package let isPretrained: Bool
  }

  package let layout: ParameterLayout
  package let slices: [Slice]
  /// Entries of the compact vector.
  package let count: Int
  /// Positions of all child entries within their own parameters.
  let positions: PositionBuffer
  private let sliceOfParameter: [Int?]
  /// The child of parameters that the optimizer moves whole, as in the authors' code; nil
  /// where every gradient counts.
  package let gradientChild: ChildEntries?

  /// - Parameter child: sorted positions of the child's entries by parameter.
  /// - Parameter dense: parameters that train whole; they take precedence over `child`.
  /// - Parameter drawn: parameters that the base lacks.
  /// - Parameter gradientChild: the entries whose gradient counts, of parameters in `dense`.
  /// - Parameter decays: which parameters AdamW decays.
  /// - Parameter rateFactor: factor on the learning rate of each parameter.
  package init(
    layout: ParameterLayout, child: [ParameterID: [UInt32]], dense: Set<ParameterID>,
    drawn: Set<ParameterID> = [], gradientChild: ChildEntries? = nil,
    decays: (Parameter) -> Bool = { $0.role.decays },
    rateFactor: (Parameter) -> Float = { _ in 1 }
  ) {
    self.layout = layout
    self.gradientChild = gradientChild
    let sparse = child.filter { !dense.contains($0.key) && !$0.value.isEmpty }
    positions = PositionBuffer(count: sparse.values.map(\.count).reduce(0, +))
    var slices: [Slice] = []
    var sliceOfParameter = [Int?](repeating: nil, count: layout.parameters.count)
    var (start, firstPosition) = (0, 0)
    for id in layout.allIDs {
      let parameter = layout[id]
      let chosen = sparse[id]
      guard dense.contains(id) || chosen != nil else { continue }
      let count = chosen?.count ?? parameter.count
      if let chosen { positions.fill(at: firstPosition, with: chosen) }
      sliceOfParameter[id.index] = slices.count
      slices.append(
        Slice(
          id: id, start: start, count: count,
          firstPosition: chosen == nil ? nil : firstPosition, decays: decays(parameter),
          rateFactor: rateFactor(parameter),
          isPretrained: !drawn.contains(id)))
      start += count
      if chosen != nil { firstPosition += count }
    }
    self.slices = slices
    self.sliceOfParameter = sliceOfParameter
    count = start
  }

  /// Copies what trains to the vector's own memory, where it still lies in the base's file.
  package func makeWritable(in parameters: ParameterVector, by compute: Compute) {
    parameters.own(slices.map(\.id), by: compute)
  }

  package func slice(of id: ParameterID) -> Slice? {
    sliceIndex(of: id).map { slices[$0] }
  }

  /// Place of a parameter's slice among `slices`.
  func sliceIndex(of id: ParameterID) -> Int? { sliceOfParameter[id.index] }

  /// The largest parameter of which only a child trains; its whole gradient
  /// passes through scratch.
  var largestSparseParameter: Int {
    slices.filter { $0.firstPosition != nil }.map { layout[$0.id].count }.max() ?? 0
  }

  /// Entries of the largest normalisation of which anything trains.
  var largestNorm: Int {
    slices.map { layout[$0.id] }.filter { $0.role == .normScale || $0.role == .normShift }
      .map(\.count).max() ?? 0
  }
}

/// Owner of the child's positions as one block.
// Written only by the plan that creates it, before anyone else sees it.
final class PositionBuffer: @unchecked Sendable {
  let base: UnsafeMutablePointer<UInt32>

  init(count: Int) { base = .allocate(capacity: max(count, 1)) }

  deinit { base.deallocate() }

  func fill(at start: Int, with values: [UInt32]) {
    values.withUnsafeBufferPointer { source in
      guard let first = source.baseAddress else { return }
      (base + start).update(from: first, count: source.count)
    }
  }
}
