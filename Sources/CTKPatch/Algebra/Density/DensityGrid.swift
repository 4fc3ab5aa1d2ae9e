public import CTKCore

/// How densely the weights of one tensor are selected, over a grid of its rows and columns.
public struct DensityGrid: Sendable {
  public let name: String
  /// Extents of the tensor as a matrix: the first one, and the product of the others.
  public let rows: Int
  public let columns: Int
  /// Extents of the grid, at most those of the tensor.
  public let gridRows: Int
  public let gridColumns: Int
  public let selected: Int
  /// Selected weights of each cell, row by row.
  public private(set) var counts: [Int]

  /// - Parameter limit: largest extent of the grid.
  public init(_ tensor: WeightSelection.Tensor, limit: Int) {
    name = tensor.name
    selected = tensor.selected
    // Units, not elements: a complex number is two of them.
    rows = tensor.shape.count < 2 ? 1 : max(tensor.shape[0], 1)
    columns = max(tensor.unitCount / rows, 1)
    gridRows = min(rows, limit)
    gridColumns = min(columns, limit)
    counts = [Int](repeating: 0, count: gridRows * gridColumns)
  }

  public var density: Double { Double(selected) / Double(rows * columns) }

  mutating func add(_ unit: Int) {
    let row = unit / columns * gridRows / rows
    let column = unit % columns * gridColumns / columns
    counts[row * gridColumns + column] += 1
  }

  /// Share of a cell's weights that are selected.
  public func density(row: Int, column: Int) -> Double {
    let height = Self.extent(of: row, grid: gridRows, whole: rows)
    let width = Self.extent(of: column, grid: gridColumns, whole: columns)
    return Double(counts[row * gridColumns + column]) / Double(height * width)
  }

  /// How many of `whole` places fall into a cell: those p with p * grid / whole == cell.
  private static func extent(of cell: Int, grid: Int, whole: Int) -> Int {
    let start = (cell * whole + grid - 1) / grid
    let end = ((cell + 1) * whole + grid - 1) / grid
    return end - start
  }
}

extension WeightSelection {
  /// The density grid of one of the selection's tensors.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  public func grid(of tensor: Tensor, limit: Int) throws(PatchError) -> DensityGrid {
    var grid = DensityGrid(tensor, limit: limit)
    try forEachUnit(of: tensor.name) { grid.add($0) }
    return grid
  }
}

extension PatchFile {
  /// How far the units of a changed tensor move; nil when only the base can tell.
  ///
  /// - Parameter base: the base, if it is at hand.
  /// - Throws: `tensor.missing`, `patch.wrong-base`, `patch.damaged`,
  ///   `patch.unsupported`, and the codes of the base.
  public func steps(
    of name: String, base: (any TensorSource)? = nil
  ) throws(PatchError) -> StepHistogram? {
    guard let base else {
      do throws(PatchError) {
        return Self.steps(try tensorPatch(named: name))
      } catch {
        guard error.code == PatchErrorCode.needsBase.rawValue else { throw error }
        return nil
      }
    }
    guard base.info(of: name) == entry(named: name)?.before?.info else {
      throw PatchError(
        .wrongBase, "tensor '\(name)' is not in the base as the patch describes it",
        path: path, hint: "give the base that the patch was made from")
    }
    defer { base.discard(name, nil) }
    return Self.steps(
      try base.lend(name) { (bytes) throws(PatchError) in
        try tensorPatch(named: name, base: bytes)
      })
  }

  private static func steps(_ changes: TensorPatch) -> StepHistogram {
    var histogram = StepHistogram()
    for block in changes.blocks {
      block.forEachChange(changes.unit) { _, steps in histogram.add(steps) }
    }
    return histogram
  }
}
