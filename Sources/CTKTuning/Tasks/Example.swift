/// One text, pair of texts or sentence of words, with its label.
package struct Example: Sendable, Equatable {
  package let text: String
  package let pair: String?
  package let label: Label
  /// The text's words, where each has a label of its own.
  package let words: [String]?

  package init(text: String, pair: String?, label: Label) {
    self.text = text
    self.pair = pair
    self.label = label
    words = nil
  }

  /// - Parameter tags: class of each word; nil for a sentence without labels.
  package init(words: [String], tags: [Int]?) {
    precondition(tags == nil || tags?.count == words.count)
    text = words.joined(separator: " ")
    pair = nil
    label = tags.map { .tags($0) } ?? .none
    self.words = words
  }
}

/// What an example is known to be.
package enum Label: Sendable, Equatable {
  case classID(Int)
  case score(Float)
  /// Class of each word.
  case tags([Int])
  case none
}
