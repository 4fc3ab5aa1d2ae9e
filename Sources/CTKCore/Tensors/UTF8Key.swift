/// A text that equals another only byte by byte.
///
/// `String` itself takes canonically equivalent texts for equal, which would merge distinct
/// keys, such as the two ways to write an accented letter.
package struct UTF8Key: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: UTF8Key, right: UTF8Key) -> Bool {
    var (left, right) = (left.text, right.text)
    return left.withUTF8 { left in
      right.withUTF8 { right in left.count == right.count && left.elementsEqual(right) }
    }
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// The names that occur in `names`, each once, by their UTF-8 bytes.
package func sortedNames(_ names: some Sequence<String>) -> [String] {
  var result: [String] = []
  for name in names.sorted(by: utf8Precedes) {
    if let last = result.last, UTF8Key(last) == UTF8Key(name) { continue }
    result.append(name)
  }
  return result
}
