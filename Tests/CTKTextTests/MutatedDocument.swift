import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// A sound `tokenizer.json` with some bytes changed loads or is refused; it never crashes.
enum MutatedDocument {
  /// - Parameter text: is encoded with every tokenizer that loads.
  static func check(_ sound: String, seed: UInt64, encoding text: String) throws {
    var generator = SeededGenerator(seed: seed)
    let folder = TemporaryFolder()
    for _ in 0..<400 {
      var bytes = Array(sound.utf8)
      for _ in 0...generator.next() % 3 {
        bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8.random(
          in: 0...255, using: &generator)
      }
      try folder.write("tokenizer.json", bytes)
      do {
        let tokenizer = try TokenizerFolder.load(folder.path)
        let ids = tokenizer.encode(text, pair: "a", maxLength: nil).inputIDs
        #expect(ids.allSatisfy { $0 >= 0 })
      } catch {
        #expect(error.code.hasPrefix("text.") || error.code.hasPrefix("json."))
      }
    }
  }
}
