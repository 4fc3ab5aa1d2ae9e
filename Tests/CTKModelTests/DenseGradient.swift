import CKernels
import CTKModel
import CTKTensor

/// A sink that forms every gradient plainly, in double precision.
final class DenseGradient: GradientSink {
  private(set) var values: [ParameterID: [Double]] = [:]
  private let layout: ParameterLayout
  private let isWanted: (ParameterID) -> Bool

  init(_ layout: ParameterLayout, wants isWanted: @escaping (ParameterID) -> Bool = { _ in true }) {
    self.layout = layout
    self.isWanted = isWanted
    for id in layout.allIDs { values[id] = Array(repeating: 0, count: layout[id].count) }
  }

  func floats(_ name: String) -> [Double] {
    layout.id(of: name).flatMap { values[$0] } ?? []
  }

  func wants(_ id: ParameterID) -> Bool { isWanted(id) }

  let separatesExamples = false

  func product(_ id: ParameterID, left: Matrix, right: Matrix, examples: ExampleRows) {
    for row in 0..<left.rows {
      for target in 0..<left.columns {
        let slope = Double(left.base[row * left.stride + target])
        for column in 0..<right.columns {
          values[id]?[target * right.columns + column] +=
            slope * Double(right.base[row * right.stride + column])
        }
      }
    }
  }

  func sum(_ id: ParameterID, rows: Matrix, examples: ExampleRows) {
    for row in 0..<rows.rows {
      for column in 0..<rows.columns {
        values[id]?[column] += Double(rows.base[row * rows.stride + column])
      }
    }
  }

  func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: ExampleRows
  ) {
    for row in 0..<outputGradient.rows {
      for column in 0..<outputGradient.columns {
        let slope = Double(outputGradient.base[row * outputGradient.stride + column])
        let value = Double(input.values.base[row * input.values.stride + column])
        let normalised = (value - Double(input.mean[row])) * Double(input.rstd[row])
        values[scale]?[column] += slope * normalised
        values[shift]?[column] += slope
      }
    }
  }

  func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: ExampleRows
  ) {
    for (row, index) in indices.enumerated() {
      for column in 0..<gradient.columns {
        values[table]?[Int(index) * gradient.columns + column] +=
          Double(gradient.base[row * gradient.stride + column])
      }
    }
  }
}
