/// How special tokens go around one text and around a pair.
struct SequenceTemplates: Sendable {
  let single: SequenceTemplate
  let pair: SequenceTemplate
}

extension SequenceTemplates {
  /// No special tokens, the second text of type 1.
  static let bare = SequenceTemplates(
    single: SequenceTemplate([.text(0, typeID: 0)]),
    pair: SequenceTemplate([.text(0, typeID: 0), .text(1, typeID: 1)]))

  /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, with type 1 from B on.
  static func bert(cls: Int32, sep: Int32) -> SequenceTemplates {
    let first: [SequenceTemplate.Piece] = [
      .special(ids: [cls], typeID: 0), .text(0, typeID: 0), .special(ids: [sep], typeID: 0),
    ]
    return SequenceTemplates(
      single: SequenceTemplate(first),
      pair: SequenceTemplate(first + [.text(1, typeID: 1), .special(ids: [sep], typeID: 1)]))
  }

  /// `A <sep> <cls>` and `A <sep> B <sep> <cls>`, with type 1 for B and 2 for the last token.
  static func xlnet(sep: Int32, cls: Int32) -> SequenceTemplates {
    let first: [SequenceTemplate.Piece] = [
      .text(0, typeID: 0), .special(ids: [sep], typeID: 0),
    ]
    let last = SequenceTemplate.Piece.special(ids: [cls], typeID: 2)
    return SequenceTemplates(
      single: SequenceTemplate(first + [last]),
      pair: SequenceTemplate(
        first + [.text(1, typeID: 1), .special(ids: [sep], typeID: 1), last]))
  }

  /// `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0.
  static func roberta(cls: Int32, sep: Int32) -> SequenceTemplates {
    let first: [SequenceTemplate.Piece] = [
      .special(ids: [cls], typeID: 0), .text(0, typeID: 0), .special(ids: [sep], typeID: 0),
    ]
    return SequenceTemplates(
      single: SequenceTemplate(first),
      pair: SequenceTemplate(
        first + [
          .special(ids: [sep], typeID: 0), .text(1, typeID: 0), .special(ids: [sep], typeID: 0),
        ]))
  }
}
