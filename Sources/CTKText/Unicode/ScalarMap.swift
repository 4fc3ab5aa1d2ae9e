/// A number for every Unicode scalar, looked up in two steps.
struct ScalarMap: Sendable {
  private let pages: FrozenTable<UInt16>
  private let values: FrozenTable<UInt32>

  init(_ builder: ScalarMapBuilder) {
    pages = FrozenTable(builder.pages)
    values = FrozenTable(builder.values)
  }

  /// The number of a valid scalar; 0 where none was set.
  @inline(__always)
  subscript(scalar: UInt32) -> UInt32 {
    values.base[Int(pages.base[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)]
  }
}

/// Builder of a `ScalarMap`; pages that hold one number throughout are shared.
struct ScalarMapBuilder {
  private(set) var pages = [UInt16](repeating: 0, count: 0x1100)
  private(set) var values = [UInt32](repeating: 0, count: 256)
  private var uniformPages: [UInt32: UInt16] = [0: 0]
  private var sharedPages: Set<UInt16> = [0]

  subscript(scalar: UInt32) -> UInt32 {
    get { values[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)] }
    set {
      let position = Int(scalar >> 8)
      if sharedPages.contains(pages[position]) {
        let start = Int(pages[position]) << 8
        pages[position] = appendPage(Array(values[start..<start + 256]))
      }
      values[Int(pages[position]) << 8 | Int(scalar & 0xFF)] = newValue
    }
  }

  mutating func fill(_ range: ClosedRange<UInt32>, with value: UInt32) {
    var scalar = range.lowerBound
    while scalar <= range.upperBound {
      if scalar & 0xFF == 0 && scalar + 0xFF <= range.upperBound {
        pages[Int(scalar >> 8)] = uniformPage(of: value)
        scalar += 0x100
      } else {
        self[scalar] = value
        scalar += 1
      }
    }
  }

  /// Fills each inclusive first and last pair of a flat list.
  mutating func fill(pairs: [UInt32], with value: UInt32) {
    for position in stride(from: 0, to: pairs.count, by: 2) {
      fill(pairs[position]...pairs[position + 1], with: value)
    }
  }

  private mutating func uniformPage(of value: UInt32) -> UInt16 {
    if let page = uniformPages[value] { return page }
    let page = appendPage([UInt32](repeating: value, count: 256))
    uniformPages[value] = page
    sharedPages.insert(page)
    return page
  }

  private mutating func appendPage(_ content: [UInt32]) -> UInt16 {
    let page = UInt16(values.count >> 8)
    values += content
    return page
  }
}
