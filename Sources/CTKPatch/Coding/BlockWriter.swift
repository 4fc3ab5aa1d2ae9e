/// Writer of a stream's blocks, which chooses the codec at the first that is not empty.
struct BlockWriter: ~Copyable {
  private let context = ContextBlockEncoder()
  private var chosen: PatchCodec?

  init(_ choice: CodecChoice) { chosen = PatchCodec(rawValue: choice.rawValue) }

  /// What the blocks were written with; nil while all were empty.
  var codec: PatchCodec? { chosen }

  /// - Parameter base: the tensor before the change, if it is known.
  mutating func changes<Word: UnitWord>(
    _ block: inout ScratchBlock<Word>, _ place: BlockPlace, base: UnsafeRawBufferPointer?
  ) -> [UInt8] {
    if block.isEmpty { return [0] }
    switch chosen {
    case .deflate: return block.encodedSmallest(of: place.units)
    case .context: return contextChanges(&block, place, base)
    case nil:
      var copy = block
      let small = contextChanges(&copy, place, base)
      // Where noise was modelled as real numbers, deflate has nothing to add.
      if ContextBlockEncoder.codesReals(framed: small) {
        chosen = .context
        return small
      }
      return smaller(small, block.encodedSmallest(of: place.units))
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

  private func contextChanges<Word: UnitWord>(
    _ block: inout ScratchBlock<Word>, _ place: BlockPlace, _ base: UnsafeRawBufferPointer?
  ) -> [UInt8] {
    let size = MemoryLayout<Word>.size
    let source = base.map {
      UnsafeRawBufferPointer(
        rebasing: $0[place.units.lowerBound * size..<place.units.upperBound * size])
    }
    return block.encodedSmallest(of: place, source: source, encoder: context)
  }

  private mutating func smaller(_ context: [UInt8], _ deflate: [UInt8]) -> [UInt8] {
    chosen = context.count < deflate.count ? .context : .deflate
    return chosen == .context ? context : deflate
  }
}
