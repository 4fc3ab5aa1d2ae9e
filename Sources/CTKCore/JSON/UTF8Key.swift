/// A text that equals another only byte by byte.
///
/// `String` itself takes canonically equivalent texts for equal, which would merge distinct
/// keys, such as the two ways to write an accented letter.
struct UTF8Key: Hashable {
  private let text: String

  init(_ text: String) { self.text = text }

  static func == (left: UTF8Key, right: UTF8Key) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
