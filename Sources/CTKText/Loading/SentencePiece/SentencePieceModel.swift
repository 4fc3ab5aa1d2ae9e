import CTKCore

/// A SentencePiece model file (`spiece.model`, `sentencepiece.bpe.model`): pieces, and how text is
/// normalised before it is cut into them.
struct SentencePieceModel {
  enum Algorithm: UInt64 {
    case unigram = 1
    case bytePair = 2
    case word = 3
    case character = 4
  }

  /// What a piece is for, by its number in the file.
  enum PieceType: UInt64 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  struct Piece {
    var text: String
    var score: Double
    var type: PieceType
  }

  private(set) var pieces: [Piece] = []
  private(set) var algorithm = Algorithm.unigram
  private(set) var unknownID = 0
  private(set) var unknownPiece = "<unk>"
  /// Empty for a model that changes no characters.
  private(set) var characterMap: [UInt8] = []
  /// Whether a text begins with a space even where it has none.
  private(set) var addsPrefixSpace = true
  /// Whether runs of spaces count as one, and those at the end as none.
  private(set) var collapsesSpaces = true

  private static let pieceLimit = 1 << 21

  /// - Throws: `text.tokenizer-malformed`, `text.tokenizer-unsupported`.
  init(_ bytes: [UInt8]) throws(TextError) {
    var sections: [(field: UInt64, bytes: [UInt8])] = []
    try SentencePieceMessage.forEachField(of: bytes) { (field, value) throws(TextError) in
      guard (1...3).contains(field) else { return }
      let message = try value.message("the field \(field) of the model")
      if field == 1 {
        guard pieces.count < Self.pieceLimit else {
          throw TextError(
            .tokenizerMalformed, "the model has more than \(Self.pieceLimit) pieces")
        }
        pieces.append(try Piece(message))
      } else {
        sections.append((field, Array(message)))
      }
    }
    for section in sections {
      if section.field == 2 {
        try readTraining(section.bytes)
      } else {
        try readNormalization(section.bytes)
      }
    }
    guard pieces.indices.contains(unknownID) else {
      throw TextError(
        .tokenizerMalformed,
        "the unknown piece is number \(unknownID), the model has \(pieces.count)",
        hint: "the file may be cut off, or be another kind of model")
    }
  }

  private mutating func readTraining(_ bytes: [UInt8]) throws(TextError) {
    try SentencePieceMessage.forEachField(of: bytes) { (field, value) throws(TextError) in
      switch field {
      case 3:
        let number = try value.number("the model type")
        guard let algorithm = Algorithm(rawValue: number) else {
          throw TextError(.tokenizerMalformed, "the model type \(number) is none")
        }
        self.algorithm = algorithm
      case 24:
        if try value.number("treat_whitespace_as_suffix") != 0 {
          throw unsupported("treat_whitespace_as_suffix is set")
        }
      case 40:
        guard let id = Int(exactly: try value.number("the unknown piece's number")) else {
          throw TextError(.tokenizerMalformed, "the unknown piece has a negative number")
        }
        unknownID = id
      case 45: unknownPiece = try value.text("the unknown piece")
      default: break
      }
    }
  }

  private mutating func readNormalization(_ bytes: [UInt8]) throws(TextError) {
    try SentencePieceMessage.forEachField(of: bytes) { (field, value) throws(TextError) in
      switch field {
      case 2: characterMap = Array(try value.message("the character map"))
      case 3: addsPrefixSpace = try value.number("add_dummy_prefix") != 0
      case 4: collapsesSpaces = try value.number("remove_extra_whitespaces") != 0
      case 5:
        if try value.number("escape_whitespaces") == 0 {
          throw unsupported("escape_whitespaces is off")
        }
      default: break
      }
    }
  }

  private func unsupported(_ what: String) -> TextError {
    TextError(
      .tokenizerUnsupported, "\(what), which no model of the families that ctk knows has",
      hint: "add the tokenizer.json of the same model")
  }
}

extension SentencePieceModel.Piece {
  fileprivate init(_ message: UnsafeRawBufferPointer) throws(TextError) {
    self.init(text: "", score: 0, type: .normal)
    try SentencePieceMessage.forEachField(of: message) { (field, value) throws(TextError) in
      switch field {
      case 1: text = try value.text("a piece")
      case 2:
        guard case .word(let bits) = value else {
          throw SentencePieceMessage.wrongType("the score of '\(text)'")
        }
        score = Double(Float(bitPattern: bits))
      case 3:
        let number = try value.number("the type of '\(text)'")
        guard let known = SentencePieceModel.PieceType(rawValue: number) else {
          throw TextError(.tokenizerMalformed, "the piece '\(text)' has the unknown type \(number)")
        }
        type = known
      default: break
      }
    }
    guard !text.isEmpty, score.isFinite else {
      throw TextError(
        .tokenizerMalformed, "the piece '\(text)' is empty, or its score \(score) is not finite")
    }
  }
}
