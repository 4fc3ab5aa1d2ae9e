/// The tokens that stand for single bytes, such as `<0x0A>`.
enum ByteTokens {
  /// Ids of the 256 bytes, -1 where one is missing.
  static func ids(in vocabulary: Vocabulary) -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
    }
  }
}
