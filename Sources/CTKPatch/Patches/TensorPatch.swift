public import CTKCore

/// The differences of one tensor, in memory.
public struct TensorPatch: Sendable {
  /// The tensor that is changed.
  public let info: TensorInfo
  /// Units whose bits differ.
  public let changes: Int
  public let blocks: [PatchBlock]

  public var unit: CodingUnit { CodingUnit(info.dtype) }

  /// Turns the base's tensor into the target's, in place.
  ///
  /// - Parameter bytes: the whole tensor, little-endian, `info.byteCount` bytes.
  public func apply(to bytes: UnsafeMutableRawBufferPointer) {
    for block in blocks { block.add(to: bytes, unit: unit, reverting: false) }
  }

  /// Turns the target's tensor into the base's, in place.
  public func revert(in bytes: UnsafeMutableRawBufferPointer) {
    for block in blocks { block.add(to: bytes, unit: unit, reverting: true) }
  }
}
