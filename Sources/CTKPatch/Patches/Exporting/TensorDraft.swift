import CTKCore

/// One tensor of both checkpoints, compared, hashed and coded.
struct TensorDraft: Sendable {
  let name: String
  let before: TensorState?
  let after: TensorState?
  let changes: Int
  let codec: PatchCodec
  /// The coded difference; nil when both sides are equal.
  let stream: SpooledStream?
  /// What rounding did to the tensor; nil when it was not rounded.
  var rounded: RoundedState?

  /// The fingerprint of one side of all drafts.
  static func fingerprint(
    _ drafts: [TensorDraft], _ side: KeyPath<TensorDraft, TensorState?>
  ) -> Digest {
    Fingerprint.checkpoint(
      drafts.compactMap { draft in draft[keyPath: side].map { (draft.name, $0.digest) } })
  }
}

/// What rounding did to a tensor.
struct RoundedState: Sendable {
  let error: RoundingError
  /// The tensor before its changes were rounded.
  let unrounded: Digest
}

extension TensorDraft {
  /// What the header says about a rounded target; nil when nothing was to be rounded.
  static func rounding(_ drafts: [TensorDraft], _ rounding: Rounding) -> RoundingRecord? {
    if rounding == .none { return nil }
    var error = RoundingError()
    for draft in drafts { draft.rounded.map { error.add($0.error) } }
    let unrounded = drafts.compactMap { draft in
      (draft.rounded?.unrounded ?? draft.after?.digest).map { (draft.name, $0) }
    }
    return RoundingRecord(
      rounding: rounding, error: error, unroundedFingerprint: Fingerprint.checkpoint(unrounded))
  }
}

/// The writer of a tensor's stream, whose parts share one codec.
struct DraftStream {
  private var writer: StreamWriter
  /// What the next part is to be coded with.
  private(set) var choice: CodecChoice

  init(_ spool: Spool, _ choice: CodecChoice) {
    writer = StreamWriter(spool)
    self.choice = choice
  }

  /// Writes a part and returns how many units it changes.
  mutating func add(
    _ part: (CodecChoice, UnitStreamEncoder.Sink) throws(PatchError) -> EncodedStream
  ) throws(PatchError) -> Int {
    let encoded = try part(choice) { (bytes) throws(PatchError) in try writer.append(bytes) }
    // The first part with coded units chooses for those that follow.
    if let codec = encoded.codec { choice = CodecChoice(codec) }
    return encoded.changes
  }

  consuming func finish(
    _ name: String, before: TensorState?, after: TensorState?, changes: Int,
    rounded: RoundedState? = nil
  ) throws(PatchError) -> TensorDraft {
    let codec = PatchCodec(rawValue: choice.rawValue) ?? .context
    let stream = try writer.finish(PatchFormat.tensorStreamPrefix + name)
    return TensorDraft(
      name: name, before: before, after: after, changes: changes, codec: codec,
      stream: before == after ? nil : stream, rounded: rounded)
  }
}
