import CPatchCoder

/// The units of a block on one side of a change.
package struct BlockSource {
  /// Little-endian, the whole block.
  let bytes: UnsafeRawBufferPointer
  /// Whether they are those after the change, so that the change is undone.
  let isTarget: Bool

  package init(bytes: UnsafeRawBufferPointer, isTarget: Bool) {
    self.bytes = bytes
    self.isTarget = isTarget
  }
}

/// Reader of one block of the codec `context` (`formats/context.md`).
package struct ContextBlockDecoder {
  private let bytes: UnsafeRawBufferPointer
  private let units: Range<Int>
  private let unit: CodingUnit
  private let head: ctk_block_head

  /// Reads the block's head.
  package init(
    _ bytes: UnsafeRawBufferPointer, units: Range<Int>, unit: CodingUnit
  ) throws(StreamFault) {
    self.bytes = bytes
    self.units = units
    self.unit = unit
    var (head, run) = (ctk_block_head(), ctk_coder_run(units: units, unit: unit))
    try Self.check(ctk_block_read_head(Self.start(bytes), bytes.count, &run, &head))
    self.head = head
  }

  /// Units that are coded.
  package var count: Int { Int(head.count) }
  /// Bytes before the coded words and their states.
  package var headByteCount: Int { head.head_bytes }
  /// Whether all units are coded, so that there are no positions.
  package var isAll: Bool { head.is_all != 0 }
  /// Whether the values need the units of one side.
  package var needsSource: Bool { head.needs_source != 0 }
  /// Whether the positions are those of a mask.
  package var needsMask: Bool { head.needs_mask != 0 }

  /// Decodes positions and differences.
  ///
  /// - Parameters:
  ///   - source: may be nil when `needsSource` is false.
  ///   - mask: the mask's positions within the block; may be nil when `needsMask` is
  ///     false.
  package func block(
    _ source: BlockSource?, mask: [UInt32]? = nil
  ) throws(StreamFault) -> PatchBlock {
    guard head.has_values != 0 else { throw .damaged("a block has no values") }
    let size = unit.byteCount
    precondition(source.map { $0.bytes.count == units.count * size } ?? true, "another block")
    var positions = [UInt32](repeating: 0, count: isAll ? 0 : count)
    var differences = [UInt8](repeating: 0, count: count * size)
    var status: Int32 = 0
    positions.withUnsafeMutableBufferPointer { positions in
      differences.withUnsafeMutableBytes { differences in
        status = decode(
          source, mask, positions.baseAddress, differences.baseAddress, indexWordCount: nil)
      }
    }
    try Self.check(status)
    return PatchBlock(
      units: units, positions: isAll ? nil : positions, differences: differences)
  }

  /// Decodes positions alone; nil when all units are coded.
  ///
  /// - Parameter mask: as in `block`.
  package func positions(mask: [UInt32]? = nil) throws(StreamFault) -> [UInt32]? {
    if isAll { return nil }
    var indexWordCount = 0
    return try positions(mask, &indexWordCount)
  }

  /// Decodes a block of a mask, which has positions and no values; nil when all units are
  /// selected.
  func selection() throws(StreamFault) -> [UInt32]? {
    if head.has_values != 0 { throw .damaged("a block of a mask has values") }
    if needsMask { throw .damaged("a block of a mask takes its positions from another") }
    if !isAll { return try positions() }
    try Self.check(decode(nil, nil, nil, nil, indexWordCount: nil))
    return nil
  }

  /// Bytes spent on positions and on values.
  func sizes() throws(StreamFault) -> StreamSizes {
    var indexWordCount = 0
    if !isAll && !needsMask { _ = try positions(nil, &indexWordCount) }
    let index = head.index_header_bytes + 4 * indexWordCount
    return StreamSizes(index: index, values: bytes.count - index)
  }

  private func positions(
    _ mask: [UInt32]?, _ indexWordCount: inout Int
  ) throws(StreamFault) -> [UInt32] {
    var positions = [UInt32](repeating: 0, count: count)
    let status = positions.withUnsafeMutableBufferPointer {
      decode(nil, mask, $0.baseAddress, nil, indexWordCount: &indexWordCount)
    }
    try Self.check(status)
    return positions
  }

  private func decode(
    _ source: BlockSource?, _ mask: [UInt32]?, _ positions: UnsafeMutablePointer<UInt32>?,
    _ differences: UnsafeMutableRawPointer?, indexWordCount: UnsafeMutablePointer<Int>?
  ) -> Int32 {
    let count = UInt32(mask?.count ?? 0)
    return (mask ?? []).withUnsafeBufferPointer { positionsOfMask in
      var input = ctk_decoder_input(
        bytes: Self.start(bytes), byte_count: bytes.count,
        run: ctk_coder_run(units: units, unit: unit),
        source: source.flatMap { Self.start($0.bytes) },
        is_target: source?.isTarget == true ? 1 : 0,
        mask: mask == nil ? nil : positionsOfMask.baseAddress, mask_count: count)
      return ctk_block_decode(&input, positions, differences, indexWordCount)
    }
  }

  private static func start(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
    bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
  }

  private static func check(_ status: Int32) throws(StreamFault) {
    switch UInt32(bitPattern: status) {
    case CTK_CODER_OK.rawValue: return
    case CTK_CODER_UNSUPPORTED.rawValue: throw .unsupported("a block's form")
    case CTK_CODER_NEEDS_SOURCE.rawValue: throw .needsSource
    case CTK_CODER_NEEDS_MASK.rawValue: throw .needsMask
    case CTK_CODER_WRONG_MASK.rawValue:
      throw .damaged("a block has another number of values than its mask has positions")
    case CTK_CODER_NO_MEMORY.rawValue: preconditionFailure("no memory for a block")
    default: throw .damaged("a block cannot be decoded")
    }
  }
}
