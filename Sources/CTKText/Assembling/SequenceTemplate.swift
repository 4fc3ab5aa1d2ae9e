/// How special tokens go around one text, or around and between two.
struct SequenceTemplate: Sendable {
  enum Piece: Sendable {
    case special(ids: [Int32], typeID: Int32)
    /// Text 0 or text 1.
    case text(Int, typeID: Int32)
  }

  let pieces: [Piece]
  let specialCount: Int

  init(_ pieces: [Piece]) {
    self.pieces = pieces
    specialCount = pieces.reduce(0) { count, piece in
      if case .special(let ids, _) = piece { count + ids.count } else { count }
    }
  }

  /// Special ids before the first text.
  var leadingCount: Int {
    var count = 0
    for piece in pieces {
      guard case .special(let ids, _) = piece else { break }
      count += ids.count
    }
    return count
  }

  /// Puts the texts' ids, already cut, into their places.
  func assemble(_ first: ArraySlice<Int32>, _ second: ArraySlice<Int32> = []) -> Encoding {
    let count = first.count + second.count + specialCount
    var encoding = Encoding(inputIDs: [], tokenTypeIDs: [])
    encoding.inputIDs.reserveCapacity(count)
    encoding.tokenTypeIDs.reserveCapacity(count)
    for piece in pieces {
      switch piece {
      case .special(let ids, let typeID):
        encoding.append(ids[...], typeID: typeID)
      case .text(let side, let typeID):
        encoding.append(side == 0 ? first : second, typeID: typeID)
      }
    }
    return encoding
  }
}

extension Encoding {
  fileprivate mutating func append(_ ids: ArraySlice<Int32>, typeID: Int32) {
    inputIDs += ids
    tokenTypeIDs += repeatElement(typeID, count: ids.count)
  }
}
