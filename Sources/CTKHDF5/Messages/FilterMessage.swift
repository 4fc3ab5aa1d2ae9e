import CTKCore

/// The filters a dataset's chunks went through.
///
/// HDF5 File Format Specification, section IV.A.2.l; versions 1 and 2.
enum FilterMessage {
  /// The format allows at most this many.
  private static let countLimit = 32

  /// The filters in the order of writing.
  ///
  /// - Throws: `hdf5.damaged`; `hdf5.filter-unsupported`, naming the filter.
  static func filters(
    of header: ObjectHeader, dataset: String
  ) throws(HDF5Error) -> [ChunkFilter] {
    guard var cursor = try header.message(.filters) else { return [] }
    let version = try cursor.version(1...2)
    let count = try cursor.byte()
    guard count <= countLimit else { throw cursor.damaged("\(count) filters") }
    if version == 1 { try cursor.skip(6) }
    var filters: [ChunkFilter] = []
    for _ in 0..<count {
      filters.append(try filter(&cursor, version: version, dataset: dataset))
    }
    guard filters.count(where: { $0 == .deflate }) <= 1 else {
      throw HDF5Error(.filterUnsupported, "'\(dataset)' is deflated more than once")
    }
    return filters
  }

  private static func filter(
    _ cursor: inout FormatCursor, version: Int, dataset: String
  ) throws(HDF5Error) -> ChunkFilter {
    let number = try cursor.short()
    let nameByteCount = version == 1 || number >= 256 ? try cursor.short() : 0
    try cursor.skip(2)
    let valueCount = try cursor.short()
    try cursor.skip(version == 1 ? (nameByteCount + 7) / 8 * 8 : nameByteCount)
    var values: [Int] = []
    for _ in 0..<valueCount { values.append(try cursor.word()) }
    if version == 1 && valueCount % 2 == 1 { try cursor.skip(4) }
    switch number {
    case 1: return .deflate
    case 2:
      guard let byteCount = values.first, byteCount > 0 else {
        throw cursor.damaged("'\(dataset)' is shuffled by 0 bytes")
      }
      return .shuffle(elementByteCount: byteCount)
    case 3: return .fletcher32
    default:
      let name = names[number].map { " (\($0))" } ?? ""
      throw HDF5Error(
        .filterUnsupported,
        "'\(dataset)' uses the filter \(number)\(name); ctk reads deflate, shuffle and fletcher32",
        hint: "rewrite the file, for example with h5repack -f GZIP=4")
    }
  }

  private static let names = [
    4: "szip", 5: "nbit", 6: "scale-offset", 307: "bzip2", 32000: "lzf", 32001: "blosc",
    32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd", 32026: "blosc2",
  ]
}
