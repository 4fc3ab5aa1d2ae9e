/// Copying of strided elements into row-major order.
enum StridedGather {
  /// - Parameters:
  ///   - source: the bytes from the view's first element on.
  ///   - target: room for all elements.
  static func copy(
    _ view: StridedView, from source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer
  ) {
    switch view.elementByteCount {
    case 1: copy(view, from: source, to: target, as: UInt8.self)
    case 2: copy(view, from: source, to: target, as: UInt16.self)
    case 4: copy(view, from: source, to: target, as: UInt32.self)
    default: copy(view, from: source, to: target, as: UInt64.self)
    }
  }

  /// Reverses the bytes of every unit of two, four or eight.
  static func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, unit: Int) {
    switch unit {
    case 2: swapBytes(bytes, as: UInt16.self)
    case 4: swapBytes(bytes, as: UInt32.self)
    case 8: swapBytes(bytes, as: UInt64.self)
    default: break
    }
  }

  private static func copy<Word: FixedWidthInteger>(
    _ view: StridedView, from source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer, as _: Word.Type
  ) {
    let width = view.elementByteCount
    guard let inner = view.dimensions.last, inner.stride != 1 || view.dimensions.count > 1 else {
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<target.count]))
      return
    }
    var written = 0
    forEachRow(view.dimensions.dropLast()) { start in
      if inner.stride == 1 {
        let row = source[start * width..<(start + inner.extent) * width]
        UnsafeMutableRawBufferPointer(rebasing: target[written...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: row))
        written += inner.extent * width
        return
      }
      var position = start * width
      for _ in 0..<inner.extent {
        let word = source.loadUnaligned(fromByteOffset: position, as: Word.self)
        target.storeBytes(of: word, toByteOffset: written, as: Word.self)
        position += inner.stride * width
        written += width
      }
    }
  }

  /// Calls the body with the first element of every row, in row-major order.
  private static func forEachRow(
    _ outer: ArraySlice<StridedView.Dimension>, _ body: (_ start: Int) -> Void
  ) {
    let outer = Array(outer)
    var index = [Int](repeating: 0, count: outer.count)
    var start = 0
    while true {
      body(start)
      var axis = outer.count - 1
      while axis >= 0 {
        index[axis] += 1
        start += outer[axis].stride
        if index[axis] < outer[axis].extent { break }
        start -= outer[axis].stride * outer[axis].extent
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  private static func swapBytes<Word: FixedWidthInteger>(
    _ bytes: UnsafeMutableRawBufferPointer, as _: Word.Type
  ) {
    for position in stride(from: 0, to: bytes.count, by: Word.bitWidth / 8) {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: Word.self)
      bytes.storeBytes(of: word.byteSwapped, toByteOffset: position, as: Word.self)
    }
  }
}
