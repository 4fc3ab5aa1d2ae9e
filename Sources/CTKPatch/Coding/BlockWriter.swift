/// Writer of a stream's blocks, which chooses the codec at the first that is not empty.
struct BlockWriter: ~Copyable {
  private let context = ContextBlockEncoder()
  private var chosen: PatchCodec?

  init(_ choice: CodecChoice) { chosen = PatchCodec(rawValue: choice.rawValue) }

  /// What the blocks were written with; nil while all were empty.
  var codec: PatchCodec? { chosen }

  /// - Parameters:
  ///   - base: the tensor before the change, if it is known.
  ///   - rounding: how the changes were rounded, if they were.
  ///   - mask: positions within the block that readers have, if there are any.
  mutating func changes<Word: UnitWord>(
    _ block: inout ScratchBlock<Word>, _ place: BlockPlace, base: UnsafeRawBufferPointer?,
    rounding: BlockRounding? = nil, mask: [UInt32]? = nil
  ) -> [UInt8] {
    if block.isEmpty { return [0] }
    let changes = BlockChanges(place, base: base, rounding: rounding)
    guard var masked = mask.flatMap({ block.masked(by: $0) }) else {
      return smallest(&block, changes)
    }
    let values = smallest(&masked, changes)
    // A mask of many weights that did not change may cost more than positions.
    guard masked.isSparser(than: block) else { return values }
    let positions = smallest(&block, changes)
    return positions.count < values.count ? positions : values
  }

  private mutating func smallest<Word: UnitWord>(
    _ block: inout ScratchBlock<Word>, _ changes: BlockChanges
  ) -> [UInt8] {
    switch chosen {
    case .deflate: return block.encodedSmallest(of: changes.place.units)
    case .context: return block.encodedSmallest(changes, encoder: context)
    case nil:
      var copy = block
      let small = copy.encodedSmallest(changes, encoder: context)
      // Where noise was modelled as real numbers, deflate has nothing to add.
      if ContextBlockEncoder.isSourced(framed: small) {
        chosen = .context
        return small
      }
      return smaller(small, block.encodedSmallest(of: changes.place.units))
    }
  }

  mutating func whole<Word: UnitWord>(
    _ block: ScratchBlock<Word>, _ place: BlockPlace
  ) -> [UInt8] {
    switch chosen {
    case .deflate: block.encodedWhole(of: place.units)
    case .context: block.encodedWhole(of: place, encoder: context)
    case nil:
      smaller(
        block.encodedWhole(of: place, encoder: context), block.encodedWhole(of: place.units))
    }
  }

  private mutating func smaller(_ context: [UInt8], _ deflate: [UInt8]) -> [UInt8] {
    chosen = context.count < deflate.count ? .context : .deflate
    return chosen == .context ? context : deflate
  }
}

/// What is known of a block's changes besides themselves.
struct BlockChanges {
  let place: BlockPlace
  /// The block's units before the change, if they are known.
  let source: UnsafeRawBufferPointer?
  let rounding: BlockRounding?

  /// - Parameter base: the tensor before the change, if it is known.
  init(_ place: BlockPlace, base: UnsafeRawBufferPointer?, rounding: BlockRounding?) {
    self.place = place
    self.rounding = rounding
    let size = place.unit.byteCount
    source = base.map {
      UnsafeRawBufferPointer(
        rebasing: $0[place.units.lowerBound * size..<place.units.upperBound * size])
    }
  }
}
