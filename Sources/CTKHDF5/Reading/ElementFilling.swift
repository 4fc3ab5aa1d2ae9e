extension UnsafeMutableRawBufferPointer {
  /// Repeats one element; the count is a multiple of the element's.
  func fill(withElement element: [UInt8]) {
    for (offset, byte) in element.enumerated() {
      for position in stride(from: offset, to: count, by: element.count) { self[position] = byte }
    }
  }

  /// Turns the byte order of 2-, 4- or 8-byte elements.
  func swapBytes(ofElements byteCount: Int) {
    switch byteCount {
    case 2: swapBytes(of: UInt16.self)
    case 4: swapBytes(of: UInt32.self)
    default: swapBytes(of: UInt64.self)
    }
  }

  private func swapBytes<Word: FixedWidthInteger & BitwiseCopyable>(of type: Word.Type) {
    let stride = MemoryLayout<Word>.size
    for offset in Swift.stride(from: 0, through: count - stride, by: stride) {
      let word = loadUnaligned(fromByteOffset: offset, as: type)
      storeBytes(of: word.byteSwapped, toByteOffset: offset, as: type)
    }
  }
}
