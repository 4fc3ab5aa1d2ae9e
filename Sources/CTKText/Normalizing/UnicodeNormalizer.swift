/// The four normalization forms of UAX #15, in the version of Unicode that the fast tokenizers
/// know.
struct UnicodeNormalizer: Sendable {
  enum Form: String, Sendable {
    case canonicalDecomposition = "NFD"
    case compatibleDecomposition = "NFKD"
    case canonicalComposition = "NFC"
    case compatibleComposition = "NFKC"

    var composes: Bool { self == .canonicalComposition || self == .compatibleComposition }
    var isCompatible: Bool { self == .compatibleDecomposition || self == .compatibleComposition }
  }

  private static let combiningClasses: ScalarMap = {
    var builder = ScalarMapBuilder()
    let rows = MarkTables.combiningClasses
    for row in stride(from: 0, to: rows.count, by: 3) {
      builder.fill(rows[row]...rows[row + 1], with: rows[row + 2])
    }
    return ScalarMap(builder)
  }()

  private let form: Form
  private let decompositions: Decompositions
  private let classes = Self.combiningClasses

  init(_ form: Form) {
    self.form = form
    decompositions = form.isCompatible ? .compatible : .canonical
  }

  /// - Returns: false where nothing changes.
  func apply(to text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) -> Bool {
    if text.isASCII || !form.composes && isDecomposed(text) { return false }
    var scalars = decomposed(text)
    if form.composes { scalars = composed(scalars) }
    output.reset(room: 4 * scalars.count)
    for scalar in scalars { output.append(scalar: scalar) }
    return true
  }

  /// Whether nothing decomposes and no two marks could need another order.
  private func isDecomposed(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = 0
    while position < text.count {
      let (scalar, width) = decodeScalar(text, at: position)
      if classes[scalar] != 0 || decompositions.decomposes(scalar) { return false }
      position += width
    }
    return true
  }

  private func decomposed(_ text: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    var scalars: [UInt32] = []
    scalars.reserveCapacity(text.count)
    var marksStart = 0
    var position = 0
    while position < text.count {
      let (scalar, width) = decodeScalar(text, at: position)
      decompositions.forEachPart(of: scalar) { part in
        if classes[part] == 0 {
          sort(&scalars, from: marksStart)
          marksStart = scalars.count + 1
        }
        scalars.append(part)
      }
      position += width
    }
    sort(&scalars, from: marksStart)
    return scalars
  }

  /// Puts the marks at the end into canonical order, those of one class as they come.
  private func sort(_ scalars: inout [UInt32], from start: Int) {
    if scalars.count - start < 2 { return }
    let marks = Array(scalars[start...])
    let order = marks.indices.sorted { (classes[marks[$0]], $0) < (classes[marks[$1]], $1) }
    for (offset, index) in order.enumerated() { scalars[start + offset] = marks[index] }
  }

  /// UAX #15, canonical composition: a scalar joins the last starter unless one of equal or
  /// higher class stands between.
  private func composed(_ scalars: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(scalars.count)
    var starter: Int?
    var lastClass: UInt32 = 0
    for scalar in scalars {
      let combiningClass = classes[scalar]
      if let starter, starter == result.count - 1 || lastClass < combiningClass,
        let composite = Compositions.all.composite(result[starter], scalar)
      {
        result[starter] = composite
        continue
      }
      if combiningClass == 0 { starter = result.count }
      lastClass = combiningClass
      result.append(scalar)
    }
    return result
  }
}
