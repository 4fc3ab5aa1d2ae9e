import CTKCore

/// The table of a patch, made from the drafts of all tensors in name order.
struct PatchTable {
  private(set) var entries: [PatchEntry] = []
  /// The streams of the entries, in name order.
  private(set) var streams: [SpooledStream] = []

  /// A shorter stream is not worth a reference to another tensor.
  private static let shortestAlias = 256

  init(_ drafts: [TensorDraft]) {
    var originals = Originals()
    for draft in drafts where draft.stream == nil { originals.add(draft) }
    for draft in drafts {
      guard let stream = draft.stream else { continue }
      let original =
        stream.byteCount < Self.shortestAlias ? nil : originals.original(of: draft)
      entries.append(
        PatchEntry(
          name: draft.name, before: draft.before, after: draft.after,
          changes: original == nil ? draft.changes : 0, codec: draft.codec, original: original))
      if original == nil {
        streams.append(stream)
        originals.add(draft)
      }
    }
  }
}

/// Tensors that others can be aliases of, found by what they hold.
private struct Originals {
  private struct Key: Hashable {
    let before: Digest?
    let after: Digest?
  }

  private var names: [Key: String] = [:]

  /// A tensor on both sides serves those on either side alone, too.
  mutating func add(_ draft: TensorDraft) {
    let (before, after) = (draft.before?.digest, draft.after?.digest)
    for key in [
      Key(before: before, after: after), Key(before: before, after: nil),
      Key(before: nil, after: after),
    ] where names[key] == nil && (key.before ?? key.after) != nil {
      names[key] = draft.name
    }
  }

  func original(of draft: TensorDraft) -> String? {
    names[Key(before: draft.before?.digest, after: draft.after?.digest)]
  }
}
