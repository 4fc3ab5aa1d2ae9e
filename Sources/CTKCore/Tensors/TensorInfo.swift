/// Name, element type and shape of a stored tensor.
public struct TensorInfo: Sendable, Hashable {
  public let name: String
  public let dtype: DType
  /// Row-major extents; empty for a scalar.
  public let shape: [Int]
  public let elementCount: Int
  public let byteCount: Int

  /// - Throws: `shape.overflow` when the element or byte count does not fit,
  ///   or when sub-byte elements do not fill whole bytes.
  public init(name: String, dtype: DType, shape: [Int]) throws(CoreError) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    elementCount = try CheckedArithmetic.elementCount(of: shape, tensor: name)
    byteCount = try CheckedArithmetic.byteCount(of: elementCount, dtype: dtype, tensor: name)
  }

  /// The same tensor under another name.
  public func renamed(_ name: String) -> TensorInfo {
    TensorInfo(name: name, like: self)
  }

  private init(name: String, like other: TensorInfo) {
    self.name = name
    dtype = other.dtype
    shape = other.shape
    elementCount = other.elementCount
    byteCount = other.byteCount
  }
}

/// Products that report overflow instead of trapping.
public enum CheckedArithmetic {
  /// Product of the extents, multiplied from left to right.
  public static func elementCount(of shape: [Int], tensor: String) throws(CoreError) -> Int {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if extent < 0 || overflow {
        throw CoreError(
          .shapeOverflow, "tensor '\(tensor)' of shape \(shape) has too many elements")
      }
      count = product
    }
    return count
  }

  public static func byteCount(
    of elementCount: Int, dtype: DType, tensor: String
  ) throws(CoreError) -> Int {
    let (bits, overflow) = elementCount.multipliedReportingOverflow(by: dtype.bitWidth)
    if overflow {
      throw CoreError(.shapeOverflow, "tensor '\(tensor)' has too many bits for this machine")
    }
    if bits % 8 != 0 {
      throw CoreError(
        .shapeOverflow, "tensor '\(tensor)': \(bits) bits of \(dtype.rawValue) do not fill bytes")
    }
    return bits / 8
  }
}
