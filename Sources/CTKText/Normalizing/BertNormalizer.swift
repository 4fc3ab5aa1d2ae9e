/// What BERT tokenizers do to text before it is split into words (`BertNormalizer`).
///
/// Cleaning, spaces around ideographs, accent stripping and lowercasing all work scalar by
/// scalar, so one table holds their combined effect; only combining marks that survive need
/// their neighbours, to be put into canonical order.
package struct BertNormalizer: Sendable {
  package struct Options: Sendable, Equatable {
    /// Control characters go, every white space becomes a space.
    package var cleansText: Bool
    package var spacesIdeographs: Bool
    package var stripsAccents: Bool
    package var lowercases: Bool

    package init(
      cleansText: Bool = true, spacesIdeographs: Bool = true, stripsAccents: Bool? = nil,
      lowercases: Bool = true
    ) {
      self.cleansText = cleansText
      self.spacesIdeographs = spacesIdeographs
      self.stripsAccents = stripsAccents ?? lowercases
      self.lowercases = lowercases
    }
  }

  /// Output bytes per input byte at most (a Hangul syllable becomes three letters).
  package static let maximumGrowth = 3

  private let effects: ScalarEffects
  /// Output of each ASCII byte, or `removedByte`.
  private let asciiOutput: FrozenTable<UInt8>
  private static let removedByte: UInt8 = 0xFF

  package init(_ options: Options) {
    effects = ScalarEffects(options)
    asciiOutput = FrozenTable(
      (UInt32(0)..<0x80).map { [effects] byte in
        switch effects[byte].kind {
        case .removed: Self.removedByte
        case .space: UInt8(ascii: " ")
        default: UInt8(truncatingIfNeeded: effects[byte].scalar(of: byte))
        }
      })
  }

  /// Replaces `output` by the normalized form of valid UTF-8.
  ///
  /// - Parameter usesASCIITable: false sends ASCII through the general path, for tests.
  package func normalize(
    _ input: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer,
    usesASCIITable: Bool = true
  ) {
    output.reset(room: Self.maximumGrowth * input.count + 1)
    let asciiOutput = asciiOutput.base
    var position = 0
    while position < input.count {
      let byte = input[position]
      if byte < 0x80 && usesASCIITable {
        let mapped = asciiOutput[Int(byte)]
        output.append(mapped, if: mapped != Self.removedByte)
        position += 1
      } else {
        appendScalar(of: input, at: &position, to: &output)
      }
    }
  }

  private func appendScalar(
    of input: UnsafeBufferPointer<UInt8>, at position: inout Int, to output: inout ByteBuffer
  ) {
    let (scalar, width) = decodeScalar(input, at: position)
    let effect = effects[scalar]
    switch effect.kind {
    case .kept:
      output.append(scalar: effect.scalar(of: scalar))
    case .removed:
      break
    case .space:
      output.append(UInt8(ascii: " "))
    case .spaced:
      output.append(UInt8(ascii: " "))
      output.append(scalar: effect.scalar(of: scalar))
      output.append(UInt8(ascii: " "))
    case .hangulSyllable:
      Hangul.decompose(scalar) { output.append(scalar: $0) }
    case .expanded, .combining:
      appendRun(of: input, at: &position, to: &output)
      return
    }
    position += width
  }

  /// Appends an expansion or combining mark and the marks that follow it, stably sorted by
  /// combining class.
  private func appendRun(
    of input: UnsafeBufferPointer<UInt8>, at position: inout Int, to output: inout ByteBuffer
  ) {
    var marks: [(combiningClass: UInt32, scalar: UInt32)] = []
    while position < input.count {
      let (scalar, width) = decodeScalar(input, at: position)
      let effect = effects[scalar]
      switch effect.kind {
      case .removed:
        break
      case .combining:
        marks.append((effect.payload, scalar))
      case .expanded where marks.isEmpty:
        for part in effects.expansion(effect) {
          if effects[part].kind == .combining {
            marks.append((effects[part].payload, part))
          } else {
            output.append(scalar: part)
          }
        }
      default:
        appendSorted(marks, to: &output)
        return
      }
      position += width
    }
    appendSorted(marks, to: &output)
  }

  private func appendSorted(
    _ marks: [(combiningClass: UInt32, scalar: UInt32)], to output: inout ByteBuffer
  ) {
    let order = marks.indices.sorted {
      (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1)
    }
    for index in order { output.append(scalar: marks[index].scalar) }
  }
}

extension BertNormalizer.Options {
  /// Lowercasing alone (`Lowercase`).
  static let lowercasing = Self(
    cleansText: false, spacesIdeographs: false, stripsAccents: false, lowercases: true)
}
