/// What happens to text before it is split, one step after the other.
struct TextNormalizer: Sendable {
  enum Step: Sendable {
    case bert(BertNormalizer)
    case filter(ScalarFilter)
    case precompiled(PrecompiledNormalizer)
    case prepend([UInt8])
    case replace(LiteralReplacement)
    case strip(EdgeStripping)
    case unicode(UnicodeNormalizer)
  }

  let steps: [Step]

  /// The normalized form of valid UTF-8, valid until the next use of `scratch` or of `text`.
  func normalize(
    _ text: UnsafeBufferPointer<UInt8>, scratch: inout NormalizerScratch
  ) -> UnsafeBufferPointer<UInt8> {
    var text = text
    for step in steps {
      if case .strip(let stripping) = step {
        text = stripping.strip(text)
      } else if Self.apply(step, to: text, into: &scratch.output) {
        scratch.turn()
        text = scratch.result.bytes
      }
    }
    return text
  }

  /// - Returns: false where the step leaves `text` as it is; `output` then means nothing.
  private static func apply(
    _ step: Step, to text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer
  ) -> Bool {
    switch step {
    case .bert(let normalizer):
      normalizer.normalize(text, into: &output)
      return true
    case .filter(let filter):
      return filter.apply(to: text, into: &output)
    case .precompiled(let normalizer):
      normalizer.normalize(text, into: &output)
      return true
    case .prepend(let prefix):
      if text.isEmpty { return false }
      output.reset(room: prefix.count + text.count)
      prefix.withUnsafeBufferPointer { output.append(contentsOf: $0) }
      output.append(contentsOf: text)
      return true
    case .replace(let replacement):
      return replacement.apply(to: text, into: &output)
    case .strip:
      return false
    case .unicode(let normalizer):
      return normalizer.apply(to: text, into: &output)
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

extension UnsafeBufferPointer<UInt8> {
  /// Whether no byte belongs to a longer character.
  var isASCII: Bool {
    let raw = UnsafeRawBufferPointer(self)
    var position = 0
    var seen: UInt64 = 0
    while position + 8 <= raw.count {
      seen |= raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      position += 8
    }
    while position < raw.count {
      seen |= UInt64(raw[position])
      position += 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }
}
