import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// The gradient of a child against the same entries of the whole gradient.
@Suite(.tags(.numeric))
struct CompactGradientTests {
  static let (rows, columns, tokens) = (40, 70, 23)

  /// Shares of the rows and of the columns that hold any child entry.
  @Test(arguments: [1.0, 0.5, 0.05], [1.0, 0.4, 0.03])
  func windowedGradientsAreTheWholeOnes(_ rowShare: Double, _ columnShare: Double) throws {
    var random = SeededGenerator(seed: UInt64(1000 * rowShare + 10 * columnShare))
    var layout = ParameterLayout()
    let weight = layout.add("w.weight", [Self.rows, Self.columns], .matrix, .layer(0))
    let bias = layout.add("w.bias", [Self.rows], .bias, .layer(0))
    let child = positions(rowShare, columnShare, &random)
    let plan = TrainablePlan(layout: layout, child: [weight: child], dense: [bias])
    let gradient = CompactGradient(
      plan: plan, rows: Self.tokens, compute: Compute(threadCount: 2))

    var input = random.floats(Self.tokens * Self.columns)
    var output = random.floats(Self.tokens * Self.rows)
    input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        guard let x = input.baseAddress, let dy = output.baseAddress else { return }
        let slope = Matrix(dy, rows: Self.tokens, columns: Self.rows)
        gradient.product(
          weight, left: slope, right: Matrix(x, rows: Self.tokens, columns: Self.columns),
          examples: ExampleRows(offsets: [0, Self.tokens]))
        gradient.sum(bias, rows: slope, examples: ExampleRows(offsets: [0, Self.tokens]))
      }
    }
    let expected = child.map { position in
      let (row, column) = Int(position).quotientAndRemainder(dividingBy: Self.columns)
      return (0..<Self.tokens).map { token in
        Double(output[token * Self.rows + row]) * Double(input[token * Self.columns + column])
      }.reduce(0, +)
    }
    let slice = try #require(plan.slice(of: weight))
    let found = Array(gradient.values.array()[slice.start..<slice.start + slice.count])
    let closeness = Closeness.of(found, expected, absolute: 1e-5, relative: 1e-5)
    #expect(closeness.isWithin, "\(closeness)")
  }

  private func positions(
    _ rowShare: Double, _ columnShare: Double, _ random: inout SeededGenerator
  ) -> [UInt32] {
    let keptRows = max(1, Int(rowShare * Double(Self.rows)))
    let keptColumns = max(1, Int(columnShare * Double(Self.columns)))
    var chosen = Set<UInt32>()
    for _ in 0..<4 * keptRows * keptColumns {
      // Coprime steps scatter the kept lines over the matrix.
      let row = Int(random.next() % UInt64(keptRows)) * 7 % Self.rows
      let column = Int(random.next() % UInt64(keptColumns)) * 11 % Self.columns
      chosen.insert(UInt32(row * Self.columns + column))
    }
    return chosen.sorted()
  }
}
