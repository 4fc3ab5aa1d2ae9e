public import CTKCore
import CTKSafetensors

/// An opened patch: header checked, streams read on demand.
///
/// Specified in `formats/patch.md`.
public final class PatchFile: Sendable {
  public let path: String
  public let header: PatchHeader
  /// Identity of the patch, the seal of its header (section 4.2).
  public let digest: Digest
  private let streams: ContainerStreams
  private let indices: [UTF8Key: Int]
  /// The mask that positions are taken from, as far as it is at hand.
  private let mask: ParameterMask?

  /// Opens a patch and checks its container, header and seal; streams are not read.
  ///
  /// - Parameter masks: among which the patch finds the one that it takes its positions
  ///   from, if it takes them from one.
  /// - Throws: `patch.not-a-patch`, `patch.damaged`, `patch.unsupported`,
  ///   `patch.wrong-mask`, and the codes of `SafetensorsFile`.
  public init(path: String, masks: [ParameterMask] = []) throws(PatchError) {
    let container = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsFile(path: path)
    }
    let tables = try ContainerStreams.tables(in: container)
    do throws(HeaderFault) {
      let metadata = try SealedMetadata(
        container.metadata, format: PatchFormat.name,
        versions: PatchVersion.allCases.map(\.rawValue))
      digest = metadata.digest
      header = try PatchHeader(metadata, tables: tables)
      streams = try ContainerStreams(
        of: container, named: header.streamNames, joinedByteCounts: header.joinedByteCounts)
    } catch {
      throw error.inPatch(path)
    }
    self.path = path
    mask = try Self.mask(header.maskDigest, among: masks, path: path)
    indices = Dictionary(
      uniqueKeysWithValues: header.entries.enumerated().map { (UTF8Key($1.name), $0) })
  }

  /// The entry of one tensor; nil when the patch does not touch it.
  public func entry(named name: String) -> PatchEntry? {
    indices[UTF8Key(name)].map { header.entries[$0] }
  }

  private static func mask(
    _ digest: Digest?, among masks: [ParameterMask], path: String
  ) throws(PatchError) -> ParameterMask? {
    guard let digest else { return nil }
    let mask = masks.first { $0.digest == digest }
    if mask == nil && !masks.isEmpty {
      throw PatchError(
        .wrongMask, "the patch takes its positions from another mask", path: path,
        hint: "give the mask with digest \(digest)")
    }
    return mask
  }

  /// The units of a tensor that the patch's mask selects.
  func mask(of entry: PatchEntry) -> MaskedUnits? {
    guard let mask, let info = entry.after?.info,
      let tensor = mask.tensor(named: entry.name)
    else { return nil }
    return MaskedUnits(tensor, unitCount: info.unitCount, shape: info.shape)
  }

  /// Bytes of the whole file.
  public var byteCount: Int {
    get throws(PatchError) {
      let file = try PatchError.wrap { () throws(CoreError) in try MappedFile(path: path) }
      return file.byteCount
    }
  }

  /// Lends the bytes of a stream.
  func withStream<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    try streams.lend(name, body)
  }

  /// Gives back the memory of a part of a stream that was read.
  func discard(_ stream: String, _ part: Range<Int>) { streams.discard(stream, part) }

  /// Checks the digest of all streams.
  ///
  /// - Throws: `patch.damaged`.
  public func verifyPayload() throws(PatchError) {
    if try streams.payloadDigest() != header.payloadDigest {
      throw PatchError(
        .damaged, "the streams do not match their digest", path: path,
        hint: "fetch the patch again")
    }
  }
}

extension HeaderFault {
  fileprivate func inPatch(_ path: String) -> PatchError {
    switch self {
    case .foreign:
      PatchError(
        .notAPatch, "this safetensors file is not a patch", path: path,
        hint: "give a file written by ctk export-delta")
    case .damaged(let what):
      PatchError(.damaged, what, path: path, hint: "fetch the patch again")
    case .unsupported(let what):
      PatchError(.unsupported, what, path: path, hint: "use a newer ctk")
    }
  }
}
