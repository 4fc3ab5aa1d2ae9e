import CTKCore

/// Tables of version 3 (`formats/patch.md` section 4.9): the rows tell the bytes of their
/// streams, and the digests follow them as bytes.
extension HeaderTables {
  /// What stands for a digest.
  private static let placeholder = JSONValue.bool(true)
  private static let digestByteCount = 32
  private static let byteCountKey = "bytes"

  /// The stream `tables` of joined streams; nil where the tables are short.
  ///
  /// - Parameters:
  ///   - byteCounts: bytes of each stream, in name order.
  ///   - joinsStreams: overrides whether streams are joined.
  func joined(byteCounts: [Int], joinsStreams: Bool?) -> [UInt8]? {
    joinsStreams ?? areLong ? joined(byteCounts: byteCounts) : nil
  }

  private func joined(byteCounts: [Int]) -> [UInt8] {
    var digests: [UInt8] = []
    var counts = byteCounts.makeIterator()
    var tables = self
    tables.mapRows { row in
      if Self.hasStream(row) { row[Self.byteCountKey] = counts.next().map { .integer($0) } }
      Self.mapDigests(&row) { value in
        if let digest = value.stringValue.flatMap(Digest.init(hex:)) { digests += digest.bytes }
        return Self.placeholder
      }
    }
    var stream: [UInt8] = []
    let text = Array(tables.text.utf8)
    stream.appendVarint(text.count)
    text.withUnsafeBufferPointer { Part.encode($0, content: .index, to: &stream) }
    return stream + digests
  }

  /// Turns rows of version 3 into those of version 1.
  ///
  /// - Parameter digests: the bytes that follow the text; those that are left belong to
  ///   no row.
  mutating func restore(_ digests: inout ArraySlice<UInt8>) throws(HeaderFault) {
    var (counts, rest): ([Int], ArraySlice<UInt8>) = ([], digests)
    try mapRows { (row) throws(HeaderFault) in
      if Self.hasStream(row) { counts.append(try Self.takeByteCount(&row)) }
      try Self.mapDigests(&row) { (value) throws(HeaderFault) in
        guard value == Self.placeholder else { throw .damaged("a digest is not where it belongs") }
        return .string(try Self.takeDigest(&rest).hex)
      }
    }
    (joinedByteCounts, digests) = (counts, rest)
  }

  private static func hasStream(_ row: JSONObject) -> Bool {
    row["kind"]?.stringValue != PatchEntry.Kind.alias.rawValue
  }

  private static func takeByteCount(_ row: inout JSONObject) throws(HeaderFault) -> Int {
    guard let count = row[byteCountKey]?.intValue, count >= 0 else {
      throw .damaged("a row does not tell the bytes of its stream")
    }
    row[byteCountKey] = nil
    return count
  }

  private static func takeDigest(_ bytes: inout ArraySlice<UInt8>) throws(HeaderFault) -> Digest {
    guard let digest = Digest(bytes: Array(bytes.prefix(digestByteCount))) else {
      throw .damaged("the tables lack digests")
    }
    bytes = bytes.dropFirst(digestByteCount)
    return digest
  }

  /// Replaces the digests of a row, in the order in which they are stored.
  private static func mapDigests<Failure: Error>(
    _ row: inout JSONObject, _ replace: (JSONValue) throws(Failure) -> JSONValue
  ) throws(Failure) {
    for side in ["after", "before"] {
      switch row[side] {
      case nil: continue
      case .object(var file)?:
        file["sha256"] = try file["sha256"].map(replace)
        row[side] = .object(file)
      case let digest?: row[side] = try replace(digest)
      }
    }
  }
}
