import CTKCore

/// One row of a mask's tensor table.
struct MaskRow {
  private static let codecKey = "codec"

  let name: String
  let shape: [Int]
  let elementCount: Int
  let selected: Int
  let scores: ScoreSummary
  let codec: PatchCodec

  static func json(_ tensor: MaskedTensor, _ codec: PatchCodec) -> JSONValue {
    guard codec != .deflate, var row = tensor.json.objectValue else { return tensor.json }
    row[codecKey] = .string(codec.rawValue)
    return .object(row)
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "an entry of 'tensors'")
    name = try fields.string("name")
    shape = try fields.shape("shape")
    selected = try fields.count("selected")
    scores = try fields.take("scores").map(ScoreSummary.init(json:)) ?? ScoreSummary()
    codec = try Self.takeCodec(&fields)
    try fields.requireNoMore()
    do {
      elementCount = try CheckedArithmetic.elementCount(of: shape, tensor: name)
    } catch {
      throw .damaged(error.message)
    }
    guard elementCount <= MaskFormat.elementLimit, selected <= elementCount else {
      throw .damaged("tensor '\(name)' selects \(selected) of \(elementCount)")
    }
  }

  private static func takeCodec(_ fields: inout HeaderFields) throws(HeaderFault) -> PatchCodec {
    guard let name = try fields.optional(codecKey, "a string", \.stringValue) else {
      return .deflate
    }
    guard name == PatchCodec.context.rawValue else { throw .unsupported("codec '\(name)'") }
    return .context
  }

  var streamName: String { MaskFormat.streamPrefix + name }

  func read(from streams: ContainerStreams, path: String) throws(PatchError) -> MaskedTensor {
    let stream = streamName
    let decoder = PositionStreamDecoder(codec: codec, unitCount: elementCount, count: selected)
    let positions = try streams.lend(stream) { (bytes) throws(PatchError) in
      do throws(StreamFault) {
        return try decoder.decode(bytes)
      } catch {
        throw error.inMask(stream, path: path)
      }
    }
    return try MaskedTensor(name: name, shape: shape, positions: positions, scores: scores)
  }
}
