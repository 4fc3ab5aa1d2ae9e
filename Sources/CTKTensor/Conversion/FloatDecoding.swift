import CKernels
package import CTKCore

/// Decoding of stored elements into f32.
package enum FloatDecoding {
  /// Writes a tensor's elements to `destination` as f32.
  ///
  /// f16 and bf16 convert exactly; f64 rounds to nearest.
  /// - Throws: `tensor.not-float` for other element types.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, info: TensorInfo, into destination: UnsafeMutablePointer<Float>
  ) throws(TensorError) {
    guard info.elementCount > 0, let source = bytes.baseAddress else { return }
    switch info.dtype {
    case .f32:
      destination.withMemoryRebound(to: UInt8.self, capacity: bytes.count) { target in
        UnsafeMutableRawBufferPointer(start: target, count: bytes.count).copyMemory(from: bytes)
      }
    case .f16: ctk_f16_to_f32(source, destination, info.elementCount)
    case .bf16: ctk_bf16_to_f32(source, destination, info.elementCount)
    case .f64:
      for index in 0..<info.elementCount {
        destination[index] = Float(source.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
      }
    default:
      throw TensorError(
        .notFloat, "tensor '\(info.name)' holds \(info.dtype.rawValue), not floating-point values")
    }
  }
}
