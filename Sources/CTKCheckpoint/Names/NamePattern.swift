/// A tensor name with at most one layer number, matched by whole components.
///
/// `{layer}` stands for a decimal number without leading zeros; it may follow
/// fixed text inside its component, as in `layer_._{layer}`. `{_layer}` stands for
/// nothing in layer 0 and for `_1`, `_2` and so on in the others, as Keras numbers
/// siblings of one class.
package struct NamePattern: Sendable, Hashable {
  package enum Component: Sendable, Hashable {
    case fixed(String)
    case layer(prefix: String)
    case sibling(prefix: String)
  }

  package let text: String
  package let components: [Component]

  private static let layerMark = "{layer}"
  private static let siblingMark = "{_layer}"

  package init(_ text: String, separator: Character) {
    self.text = text
    components = text.split(separator: separator, omittingEmptySubsequences: false).map { part in
      if part.hasSuffix(Self.layerMark) {
        return .layer(prefix: String(part.dropLast(Self.layerMark.count)))
      }
      if part.hasSuffix(Self.siblingMark) {
        return .sibling(prefix: String(part.dropLast(Self.siblingMark.count)))
      }
      return .fixed(String(part))
    }
  }

  package var hasLayer: Bool {
    text.contains(Self.layerMark) || text.contains(Self.siblingMark)
  }

  /// The name for one layer; the layer is ignored by a pattern without one.
  package func name(layer: Int?) -> String {
    guard let layer else { return text }
    if let range = text.firstRange(of: Self.layerMark) {
      return text.replacingCharacters(in: range, with: String(layer))
    }
    guard let range = text.firstRange(of: Self.siblingMark) else { return text }
    return text.replacingCharacters(in: range, with: layer == 0 ? "" : "_\(layer)")
  }

  /// Compares a name's components with the pattern.
  ///
  /// - Returns: nil when they differ, else the layer number or `.some(nil)`.
  package func match(_ names: some Collection<Substring>) -> Int?? {
    guard names.count == components.count else { return nil }
    var layer: Int?
    for (name, component) in zip(names, components) {
      switch component {
      case .fixed(let text):
        guard name.utf8.elementsEqual(text.utf8) else { return nil }
      case .layer(let prefix):
        guard name.utf8.starts(with: prefix.utf8),
          let number = Self.layerNumber(name.utf8.dropFirst(prefix.utf8.count))
        else { return nil }
        layer = number
      case .sibling(let prefix):
        guard name.utf8.starts(with: prefix.utf8),
          let number = Self.siblingNumber(name.utf8.dropFirst(prefix.utf8.count))
        else { return nil }
        layer = number
      }
    }
    return .some(layer)
  }

  /// 0 for nothing, and the number of `_1`, `_2` and so on.
  private static func siblingNumber(_ suffix: Substring.UTF8View) -> Int? {
    if suffix.isEmpty { return 0 }
    guard suffix.first == UInt8(ascii: "_"), let number = layerNumber(suffix.dropFirst()) else {
      return nil
    }
    return number > 0 ? number : nil
  }

  /// A number as ctk would write it, below a million.
  private static func layerNumber(_ digits: Substring.UTF8View) -> Int? {
    guard let first = digits.first, digits.count <= 6 else { return nil }
    if first == UInt8(ascii: "0") && digits.count > 1 { return nil }
    var number = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      number = number * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return number
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
