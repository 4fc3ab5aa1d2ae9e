/// One text, or pair of texts, with its label.
package struct Example: Sendable, Equatable {
  package let text: String
  package let pair: String?
  package let label: Label

  package init(text: String, pair: String?, label: Label) {
    self.text = text
    self.pair = pair
    self.label = label
  }
}

/// What an example is known to be.
package enum Label: Sendable, Equatable {
  case classID(Int)
  case score(Float)
  case none
}
