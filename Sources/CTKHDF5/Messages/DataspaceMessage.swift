import CTKCore

/// The encoded form of a dataspace: the extents of a dataset or attribute.
///
/// HDF5 File Format Specification, section IV.A.2.b; versions 1 and 2.
struct DataspaceMessage {
  /// Nil for the null dataspace, which has no elements.
  let extents: [UInt64]?
  /// Up to where a dataset may grow; nil along an axis without limit.
  let maxima: [UInt64?]

  /// - Throws: `hdf5.damaged`.
  init(_ cursor: inout FormatCursor) throws(HDF5Error) {
    let version = try cursor.version(1...2)
    let rank = try cursor.byte()
    guard rank <= HDF5Limits.rank else {
      throw cursor.damaged("a dataspace of rank \(rank), at most \(HDF5Limits.rank) expected")
    }
    let flags = try cursor.byte()
    let kind = try cursor.byte()
    if version == 1 { try cursor.skip(4) }
    let extents = try Self.lengths(&cursor, count: rank)
    self.extents = version == 2 && kind == 2 ? nil : extents
    guard flags & 1 != 0 else {
      maxima = extents
      return
    }
    let unlimited = UInt64.max >> UInt64(64 - 8 * cursor.image.lengthWidth)
    let maxima = try Self.lengths(&cursor, count: rank)
    for (extent, maximum) in zip(extents, maxima) where maximum < extent {
      throw cursor.damaged("an extent of \(extent) is above its maximum \(maximum)")
    }
    self.maxima = maxima.map { $0 == unlimited ? nil : $0 }
  }

  private static func lengths(
    _ cursor: inout FormatCursor, count: Int
  ) throws(HDF5Error) -> [UInt64] {
    var lengths: [UInt64] = []
    for _ in 0..<count { lengths.append(try cursor.length()) }
    return lengths
  }

  /// Number of elements; nil when it does not fit.
  var elementCount: Int? {
    guard let extents else { return 0 }
    var count = 1
    for extent in extents {
      guard let extent = Int(exactly: extent) else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      count = product
    }
    return count
  }
}
