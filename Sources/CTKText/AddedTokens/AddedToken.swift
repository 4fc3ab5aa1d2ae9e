/// A token that is found in text before the model splits it, such as `[SEP]`.
struct AddedToken: Sendable {
  let content: String
  let id: Int32
  /// Matches only where no word character touches it.
  var isSingleWord = false
  /// Takes the white space before it along.
  var stripsLeft = false
  /// Takes the white space after it along.
  var stripsRight = false
  /// Is looked for in normalized instead of raw text.
  var matchesNormalized = false
}
