import CTKCore

/// The character map of a SentencePiece model (`Precompiled`).
///
/// The fast tokenizers look up each grapheme of up to five bytes by the shortest key that it
/// starts with and replace all of it, so that a mark after a mapped letter goes too. What is not
/// found that way is looked up scalar by scalar. Ids depend on both, so ctk does the same.
struct PrecompiledNormalizer: Sendable {
  private static let lookedUpBytes = 5

  private let keys: DoubleArray
  /// Replacements, each ended by a zero byte.
  private let replacements: FrozenTable<UInt8>
  /// Output of each ASCII byte that stands alone; 0xFF where it takes a look-up.
  private let asciiOutput: FrozenTable<UInt8>
  private let graphemes = GraphemeScanner()

  /// - Parameter map: size of the trie in bytes, the trie's units, the replacements.
  /// - Throws: `text.tokenizer-malformed`.
  init(_ map: [UInt8]) throws(TextError) {
    func word(_ position: Int) -> UInt32 {
      map[position..<position + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    guard map.count >= 4, Int(word(0)) <= map.count - 4, word(0) % 4 == 0,
      String(validating: map[(4 + Int(word(0)))...], as: UTF8.self) != nil
    else {
      throw TextError(.tokenizerMalformed, "the precompiled character map is damaged")
    }
    let end = 4 + Int(word(0))
    keys = DoubleArray(stride(from: 4, to: end, by: 4).map(word))
    replacements = FrozenTable(Array(map[end...]))
    asciiOutput = FrozenTable(
      (0..<0x80).map { [keys] byte in
        let isMapped = withUnsafeBytes(of: UInt8(byte)) {
          keys.valueOfShortestPrefix($0.assumingMemoryBound(to: UInt8.self)) != nil
        }
        return isMapped || byte == 0x0D ? 0xFF : UInt8(byte)
      })
  }

  /// Replaces `output` by the normalized form of valid UTF-8.
  func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) {
    output.reset(room: text.count)
    var position = 0
    while position < text.count {
      let byte = text[position]
      // Marks, which are not ASCII, make a grapheme with the byte before them.
      if byte < 0x80, position + 1 == text.count || text[position + 1] < 0x80 {
        let mapped = asciiOutput.base[Int(byte)]
        if mapped != 0xFF {
          output.reserve(1)
          output.append(mapped)
          position += 1
          continue
        }
      }
      let end = graphemes.end(in: text, from: position)
      appendGrapheme(UnsafeBufferPointer(rebasing: text[position..<end]), to: &output)
      position = end
    }
  }

  private func appendGrapheme(
    _ grapheme: UnsafeBufferPointer<UInt8>, to output: inout ByteBuffer
  ) {
    if grapheme.count <= Self.lookedUpBytes && appendReplacement(of: grapheme, to: &output) {
      return
    }
    var position = 0
    while position < grapheme.count {
      let end = position + decodeScalar(grapheme, at: position).width
      let scalar = UnsafeBufferPointer(rebasing: grapheme[position..<end])
      if !appendReplacement(of: scalar, to: &output) { output.append(contentsOf: scalar) }
      position = end
    }
  }

  private func appendReplacement(
    of text: UnsafeBufferPointer<UInt8>, to output: inout ByteBuffer
  ) -> Bool {
    guard let start = keys.valueOfShortestPrefix(text) else { return false }
    var end = start
    while end < replacements.count && replacements.base[end] != 0 { end += 1 }
    if start < end {
      output.append(
        contentsOf: UnsafeBufferPointer(start: replacements.base + start, count: end - start))
    }
    return true
  }
}
