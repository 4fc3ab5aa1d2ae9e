import CTKCore

/// The positions of one tensor as a mask stores them.
struct PositionStream {
  let codec: PatchCodec
  let bytes: [UInt8]

  /// Whether readers accept so many positions from its bytes.
  func mayHold(_ positionCount: Int) -> Bool {
    positionCount <= MaskFormat.positionLimit(streamByteCount: bytes.count)
  }
}

/// Writer of the position streams of masks (`formats/mask.md` section 3).
struct PositionStreamEncoder: ~Copyable {
  private let context = ContextBlockEncoder()
  /// Overrides the layout's choice; tests use small blocks.
  private let blockShift: Int?

  init(blockShift: Int?) { self.blockShift = blockShift }

  /// The smallest stream that readers accept.
  func encode(_ tensor: MaskedTensor) -> PositionStream {
    let deflate = encode(tensor, .deflate) { place, positions, output in
      output.appendVarint(positions.count)
      IndexCoding.encode(positions, unitCount: place.units.count, to: &output)
    }
    let modelled = encode(tensor, .context) { place, positions, output in
      let block = context.encodePositions(place, positions)
      output.appendVarint(block.count)
      output += block
    }
    let accepted = [deflate, modelled].filter { $0.mayHold(tensor.positions.count) }
    return accepted.min { $0.bytes.count < $1.bytes.count }
      ?? encode(tensor, .deflate) { place, positions, output in
        output.appendVarint(positions.count)
        IndexCoding.encodeStoredBitmap(positions, unitCount: place.units.count, to: &output)
      }
  }

  /// Appends a block with at least one position.
  private typealias BlockCoding = (
    BlockPlace, UnsafeBufferPointer<UInt32>, inout [UInt8]
  ) -> Void

  private func encode(
    _ tensor: MaskedTensor, _ codec: PatchCodec, _ encodeBlock: BlockCoding
  ) -> PositionStream {
    let positions = tensor.positions
    let layout = layout(of: tensor)
    var output = [UInt8(layout.shift)]
    var start = 0
    for block in 0..<layout.blockCount {
      let units = layout.range(of: block)
      var end = start
      while end < positions.count, Int(positions[end]) < units.upperBound { end += 1 }
      if end > start {
        let place = BlockPlace(units: units, unit: .byte, width: tensor.shape.last ?? 1)
        let relative = positions[start..<end].map { $0 - UInt32(units.lowerBound) }
        relative.withUnsafeBufferPointer { encodeBlock(place, $0, &output) }
      } else {
        output.append(0)
      }
      start = end
    }
    return PositionStream(codec: codec, bytes: output)
  }

  private func layout(of tensor: MaskedTensor) -> BlockLayout {
    if let blockShift { return BlockLayout(unitCount: tensor.elementCount, shift: blockShift) }
    return BlockLayout(
      unitCount: tensor.elementCount, changes: tensor.positions.count, of: tensor.elementCount)
  }
}
