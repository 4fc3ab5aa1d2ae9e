import CPatchCoder

/// What one block of a unit stream is about.
package struct BlockPlace {
  package let units: Range<Int>
  package let unit: CodingUnit
  /// Units from one row of the tensor to the next.
  let width: Int

  package init(units: Range<Int>, unit: CodingUnit, width: Int) {
    self.units = units
    self.unit = unit
    self.width = width
  }
}

/// Writer of blocks of the codec `context` (`formats/context.md`).
///
/// Owns scratch memory that is reused from block to block.
package struct ContextBlockEncoder: ~Copyable {
  /// A whole block that is smaller than its units by more is no longer plausible.
  private static let largestRatio = 1000

  private let encoder: OpaquePointer

  package init() {
    guard let encoder = ctk_encoder_create() else {
      preconditionFailure("no memory for an encoder")
    }
    self.encoder = encoder
  }

  deinit { ctk_encoder_destroy(encoder) }

  /// Encodes the changes of a block.
  ///
  /// - Parameters:
  ///   - positions: ascending and relative to the block; nil for all units.
  ///   - differences: one for each position, at least one.
  ///   - source: the block's units before the change; nil when they are not known.
  ///   - rounding: how the changes were rounded, if they were.
  ///   - isMasked: whether readers take the positions from a mask.
  package func encode<Word: UnitWord>(
    _ place: BlockPlace, positions: UnsafePointer<UInt32>?,
    differences: UnsafeBufferPointer<Word>, source: UnsafeRawBufferPointer?,
    rounding: BlockRounding? = nil, isMasked: Bool = false
  ) -> [UInt8] {
    encode(place, positions, differences, source, rounding, isMasked: isMasked)
  }

  /// Encodes all units of a block from zero bits.
  package func encodeWhole<Word: UnitWord>(
    _ place: BlockPlace, differences: UnsafeBufferPointer<Word>
  ) -> [UInt8] {
    let bytes = encode(place, nil, differences, nil)
    let byteCount = differences.count * MemoryLayout<Word>.size
    if byteCount <= bytes.count * Self.largestRatio { return bytes }
    return encode(place, nil, differences, nil, isStored: true)
  }

  /// Encodes positions alone, as masks hold them: ascending and relative to the block, at
  /// least one.
  package func encodePositions(
    _ place: BlockPlace, _ positions: UnsafeBufferPointer<UInt32>
  ) -> [UInt8] {
    var input = ctk_encoder_input(place)
    input.positions = positions.baseAddress
    input.count = UInt32(positions.count)
    return encode(&input)
  }

  /// Whether a block, behind its byte count, holds values that are coded against the base.
  static func isSourced(framed block: [UInt8]) -> Bool {
    guard let end = block.firstIndex(where: { $0 < 0x80 }), end + 1 < block.count else {
      return false
    }
    return block[end + 1] >> 3 >= 3
  }

  private func encode<Word: UnitWord>(
    _ place: BlockPlace, _ positions: UnsafePointer<UInt32>?,
    _ differences: UnsafeBufferPointer<Word>, _ source: UnsafeRawBufferPointer?,
    _ rounding: BlockRounding? = nil, isMasked: Bool = false, isStored: Bool = false
  ) -> [UInt8] {
    (rounding?.rowSteps ?? []).withUnsafeBufferPointer { rowSteps in
      var input = ctk_encoder_input(place)
      input.positions = positions
      input.count = UInt32(differences.count)
      input.is_masked = isMasked ? 1 : 0
      input.differences = UnsafeRawPointer(differences.baseAddress)
      input.source = source?.baseAddress?.assumingMemoryBound(to: UInt8.self)
      input.rounding = ctk_block_rounding(
        form: rounding?.form ?? CTK_ROUNDING_NONE, grid: rounding?.grid ?? 0,
        row_steps: rowSteps.baseAddress)
      input.is_stored = isStored ? 1 : 0
      return encode(&input)
    }
  }

  private func encode(_ input: inout ctk_encoder_input) -> [UInt8] {
    var (bytes, count): (UnsafePointer<UInt8>?, Int) = (nil, 0)
    let status = ctk_encoder_encode(encoder, &input, &bytes, &count)
    precondition(status == CTK_CODER_OK.rawValue, "no memory for a block")
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}

extension ctk_encoder_input {
  /// A place of which nothing is coded yet.
  fileprivate init(_ place: BlockPlace) {
    self.init()
    run = ctk_coder_run(place)
    width = UInt32(max(1, min(place.width, place.units.count)))
  }
}

extension ctk_coder_run {
  init(_ place: BlockPlace) {
    self.init(units: place.units, unit: place.unit)
  }

  init(units: Range<Int>, unit: CodingUnit) {
    self.init(
      first: UInt64(units.lowerBound), units: UInt32(units.count),
      unit_bytes: UInt32(unit.byteCount),
      is_f32: unit.isFloat && unit.width == .four ? 1 : 0)
  }
}
