/// How normalized text is split into words, one step after the other.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    case bert(BertPreTokenizer)
    case byteLevel(ByteLevelPreTokenizer)
    /// The words of GPT-2 without its alphabet of bytes.
    case byteLevelWords(ByteLevelPreTokenizer)
    case metaspace(Metaspace)
    case whitespace(WhitespaceSplit)
  }

  let steps: [Step]

  /// Gives the words of valid UTF-8 in order.
  ///
  /// - Parameter isStart: whether a text starts here, rather than after an added token.
  func forEachWord(
    of text: UnsafeBufferPointer<UInt8>, isStart: Bool,
    _ receive: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    forEachWord(of: text, isStart: isStart, from: 0, receive)
  }

  private func forEachWord(
    of text: UnsafeBufferPointer<UInt8>, isStart: Bool, from step: Int,
    _ receive: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    if text.isEmpty { return }
    if step == steps.count { return receive(text) }
    switch steps[step] {
    case .bert(let splitter):
      var position = 0
      while let word = splitter.nextWord(in: text, from: &position) {
        pass(text, word, isStart, step, receive)
      }
    case .whitespace(let splitter):
      var position = 0
      while let word = splitter.nextWord(in: text, from: &position) {
        pass(text, word, isStart, step, receive)
      }
    case .metaspace(let splitter):
      splitter.withReplacements(in: text, isStart: isStart) { text in
        var position = 0
        while let word = splitter.nextWord(in: text, from: &position) {
          pass(text, word, isStart, step, receive)
        }
      }
    case .byteLevel(let splitter), .byteLevelWords(let splitter):
      splitter.withPrefix(of: text) { text in
        var position = 0
        while let word = splitter.nextWord(in: text, from: &position) {
          pass(text, word, isStart, step, receive)
        }
      }
    }
  }

  /// Hands a word to the next step.
  @inline(__always)
  private func pass(
    _ text: UnsafeBufferPointer<UInt8>, _ word: Range<Int>, _ isStart: Bool, _ step: Int,
    _ receive: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    let bytes = UnsafeBufferPointer(rebasing: text[word])
    if step + 1 == steps.count { return receive(bytes) }
    forEachWord(of: bytes, isStart: isStart && word.lowerBound == 0, from: step + 1, receive)
  }
}
