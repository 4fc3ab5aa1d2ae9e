import CTKCore

/// A tensor's place in the bytes of its storage, checked.
struct StridedView: Sendable {
  /// Byte of the first element in the storage.
  let byteOffset: Int
  /// Bytes from the first to behind the last element; 0 without elements.
  let byteSpan: Int
  let elementByteCount: Int
  /// Extents and strides (in elements) with neighbours merged where memory goes on, so that a
  /// tensor without gaps has at most one.
  let dimensions: [Dimension]

  struct Dimension: Sendable, Equatable {
    var extent: Int
    var stride: Int
  }

  /// - Parameter storageByteCount: what the storage holds.
  /// - Throws: `torch.view-invalid`, `torch.limit-exceeded`.
  init(
    _ tensor: TensorDescription, _ info: TensorInfo, storageByteCount: Int
  ) throws(TorchError) {
    let width = info.dtype.bitWidth / 8
    elementByteCount = width
    guard let end = Self.end(of: tensor, info), end <= storageByteCount / width else {
      throw TorchError(
        .viewInvalid,
        "tensor '\(info.name)' of sizes \(tensor.shape), strides \(tensor.strides) and offset "
          + "\(tensor.offset) reaches past its storage of \(storageByteCount) bytes")
    }
    guard info.byteCount <= max(storageByteCount, TorchLimits.expandedByteCount) else {
      throw TorchError(
        .limitExceeded,
        "tensor '\(info.name)' repeats the elements of \(storageByteCount) bytes to "
          + "\(info.byteCount)")
    }
    byteOffset = tensor.offset * width
    byteSpan = info.elementCount == 0 ? 0 : (end - tensor.offset) * width
    dimensions = info.elementCount == 0 ? [] : Self.merged(tensor)
  }

  /// Whether the elements lie in row-major order without gaps.
  var isContiguous: Bool {
    dimensions.isEmpty || (dimensions.count == 1 && dimensions[0].stride == 1)
  }

  /// The element behind the last one; nil when it does not fit 64 bits.
  private static func end(of tensor: TensorDescription, _ info: TensorInfo) -> Int? {
    if info.elementCount == 0 { return tensor.offset }
    var last = tensor.offset
    for (extent, stride) in zip(tensor.shape, tensor.strides) {
      let (distance, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow) = last.addingReportingOverflow(distance)
      if tooFar || overflow { return nil }
      last = sum
    }
    let (end, overflow) = last.addingReportingOverflow(1)
    return overflow ? nil : end
  }

  private static func merged(_ tensor: TensorDescription) -> [Dimension] {
    var dimensions: [Dimension] = []
    for (extent, stride) in zip(tensor.shape, tensor.strides) where extent != 1 {
      if let outer = dimensions.last, outer.stride == extent * stride {
        dimensions[dimensions.count - 1] = Dimension(extent: outer.extent * extent, stride: stride)
      } else {
        dimensions.append(Dimension(extent: extent, stride: stride))
      }
    }
    return dimensions
  }
}
