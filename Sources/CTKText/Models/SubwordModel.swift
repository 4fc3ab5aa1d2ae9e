/// What turns the words of a text into token ids.
protocol SubwordModel: Sendable {
  var vocabulary: Vocabulary { get }

  /// Appends the ids of one word.
  ///
  /// - Parameter word: valid UTF-8, not empty.
  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32])
}
