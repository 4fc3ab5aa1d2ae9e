import CTKCore

/// The symbols that words consist of before any merge.
struct SymbolAlphabet: Sendable {
  struct Options: Sendable {
    /// Stands for characters that have no symbol; nil leaves them out.
    var unknownID: Int32?
    /// One unknown symbol stands for a run of unknown characters.
    var fusesUnknown = false
    /// Characters without a symbol become the tokens of their bytes, such as `<0x0A>`.
    var fallsBackToBytes = false
    /// Carried by the characters after a word's first.
    var continuationPrefix = ""
    /// Carried by a word's last character.
    var wordSuffix = ""
  }

  private enum Kind: Sendable {
    /// The symbol of each byte, or -1.
    case bytes(FrozenTable<Int32>)
    case characters(ByteTrie, prefix: ByteTrie.Node?, suffix: [UInt8])
  }

  private let kind: Kind
  private let options: Options
  /// Tokens of the 256 bytes, -1 where one is missing; nil without fallback.
  private let fallback: [Int32]?

  private init(_ kind: Kind, _ options: Options, fallback: [Int32]?) {
    self.kind = kind
    self.options = options
    self.fallback = fallback
  }

  /// An alphabet of bytes, spelled as `ByteAlphabet` does.
  static func bytes(of vocabulary: Vocabulary, _ options: Options) -> SymbolAlphabet {
    let symbols = ByteAlphabet.characters.map { character in
      Unicode.Scalar(character).flatMap { vocabulary.id(of: String($0)) } ?? -1
    }
    return SymbolAlphabet(.bytes(FrozenTable(symbols)), options, fallback: nil)
  }

  /// An alphabet of characters.
  static func characters(of vocabulary: Vocabulary, _ options: Options) -> SymbolAlphabet {
    SymbolAlphabet(
      .characters(
        vocabulary.trie, prefix: vocabulary.trie.node(of: options.continuationPrefix.utf8),
        suffix: Array(options.wordSuffix.utf8)),
      options,
      fallback: options.fallsBackToBytes ? ByteTokens.ids(in: vocabulary) : nil)
  }

  /// The bytes of the word that a token would be on its own; nil where there is none.
  func word(of token: String) -> [UInt8]? {
    switch kind {
    case .bytes: return ByteAlphabet.bytes(of: token)
    case .characters:
      let isPlain = options.continuationPrefix.isEmpty && options.wordSuffix.isEmpty
      return isPlain ? Array(token.utf8) : nil
    }
  }

  /// Gives the symbols of a word, never more than it has bytes.
  @inline(__always)
  func forEachSymbol(of word: UnsafeBufferPointer<UInt8>, _ receive: (Int32) -> Void) {
    var unknown = UnknownRun(options)
    var position = 0
    while position < word.count {
      let (id, end) = symbol(in: word, at: position)
      if id >= 0 {
        unknown.end(receive)
        receive(id)
      } else if !appendFallback(word[position..<end], receive) {
        unknown.extend(receive)
      }
      position = end
    }
    unknown.end(receive)
  }

  /// The symbol at `position`, -1 where there is none, and the end of its character.
  @inline(__always)
  private func symbol(
    in word: UnsafeBufferPointer<UInt8>, at position: Int
  ) -> (id: Int32, end: Int) {
    switch kind {
    case .bytes(let symbols):
      return (symbols.base[Int(word[position])], position + 1)
    case .characters(let trie, let prefix, let suffix):
      let end = position + decodeScalar(word, at: position).width
      let start = position == 0 ? ByteTrie.root : prefix
      var node = start.flatMap { trie.node(of: word[position..<end], from: $0) }
      if end == word.count { node = node.flatMap { trie.node(of: suffix, from: $0) } }
      return (node.map(trie.id(at:)) ?? -1, end)
    }
  }

  private func appendFallback(
    _ character: Slice<UnsafeBufferPointer<UInt8>>, _ receive: (Int32) -> Void
  ) -> Bool {
    guard let fallback, character.allSatisfy({ fallback[Int($0)] >= 0 }) else { return false }
    for byte in character { receive(fallback[Int(byte)]) }
    return true
  }
}

/// Characters without a symbol that were not yet given.
private struct UnknownRun {
  private let id: Int32?
  private let isFused: Bool
  private var isPending = false

  init(_ options: SymbolAlphabet.Options) {
    id = options.unknownID
    isFused = options.fusesUnknown
  }

  @inline(__always)
  mutating func extend(_ receive: (Int32) -> Void) {
    if !isFused { end(receive) }
    isPending = true
  }

  @inline(__always)
  mutating func end(_ receive: (Int32) -> Void) {
    if isPending, let id { receive(id) }
    isPending = false
  }
}
