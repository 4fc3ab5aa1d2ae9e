import CTKCore
import CTKHDF5

extension HDF5File {
  /// The bytes of a tensor.
  func bytes(_ name: String) throws -> [UInt8] { try withTensorBytes(name) { Array($0) } }

  /// The values of a tensor of 2- or 4-byte floats.
  func floats(_ name: String) throws -> [Float] {
    let isHalf = info(of: name)?.dtype == .f16
    return try withTensorBytes(name) { raw in
      isHalf
        ? (0..<raw.count / 2).map {
          Float(raw.loadUnaligned(fromByteOffset: 2 * $0, as: Float16.self))
        }
        : (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}

/// The transpose of a row-major matrix.
func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
  (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
}
