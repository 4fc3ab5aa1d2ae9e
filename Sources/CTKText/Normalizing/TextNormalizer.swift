/// What happens to text before it is split, one step after the other.
struct TextNormalizer: Sendable {
  enum Step: Sendable {
    case bert(BertNormalizer)
  }

  let steps: [Step]

  /// The normalized form of valid UTF-8, valid until the next use of `scratch` or of `text`.
  func normalize(
    _ text: UnsafeBufferPointer<UInt8>, scratch: inout NormalizerScratch
  ) -> UnsafeBufferPointer<UInt8> {
    var text = text
    for step in steps where Self.apply(step, to: text, scratch: &scratch) {
      scratch.turn()
      text = scratch.result.bytes
    }
    return text
  }

  /// Writes what a step makes of `text` into the scratch.
  ///
  /// - Returns: false where the step leaves `text` as it is and writes nothing.
  private static func apply(
    _ step: Step, to text: UnsafeBufferPointer<UInt8>, scratch: inout NormalizerScratch
  ) -> Bool {
    switch step {
    case .bert(let normalizer):
      normalizer.normalize(text, into: &scratch.output)
      return true
    }
  }
}

/// Two buffers that steps fill in turn.
struct NormalizerScratch: ~Copyable {
  /// What the next step writes into.
  var output = ByteBuffer()
  /// What the last step wrote.
  private(set) var result = ByteBuffer()

  /// Makes the output the result.
  mutating func turn() { swap(&output, &result) }
}
