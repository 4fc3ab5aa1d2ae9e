public import CTKCore

/// Elements of a tensor with a number for each.
public struct ScatteredValues: Sendable {
  /// Row-major elements; may repeat, in the order in which they count.
  public let indices: [Int]
  public let dtype: DType
  /// One number for each index, little-endian.
  public let bytes: [UInt8]

  public init(indices: [Int], dtype: DType, bytes: [UInt8]) {
    precondition(bytes.count * 8 == indices.count * dtype.bitWidth, "one value for each index")
    self.indices = indices
    self.dtype = dtype
    self.bytes = bytes
  }
}

/// What a peer's file says about one tensor; read when it is asked for.
public struct PeerTensor: Sendable {
  public typealias Load<Content> = @Sendable () throws(PatchError) -> Content

  public enum Content: Sendable {
    /// Numbers that take the place of the base's.
    case overwrite(Load<ScatteredValues>)
    /// Numbers that are added to the base's, each by one addition of floats.
    case add(Load<ScatteredValues>)
    /// The whole tensor.
    case whole(TensorInfo, Load<[UInt8]>)
  }

  /// Name in the base, or of a tensor to add.
  public let name: String
  public let content: Content

  public init(name: String, content: Content) {
    self.name = name
    self.content = content
  }
}

/// Names of a peer's tensors in terms of the base's.
public struct PeerNames: Sendable {
  private let names: Set<UTF8Key>

  public init(base: any TensorSource) { names = Set(base.tensors.map { UTF8Key($0.name) }) }

  /// The base's name of a tensor, which may have more or fewer parts in front.
  ///
  /// - Returns: nil when there is none, or more than one.
  public func resolve(_ name: String) -> String? {
    if names.contains(UTF8Key(name)) { return name }
    let found = names.map(\.text).filter { known in
      Self.isTail(name, of: known) || Self.isTail(known, of: name)
    }
    return found.count == 1 ? found.first : nil
  }

  private static func isTail(_ tail: String, of name: String) -> Bool {
    name.utf8.reversed().starts(with: ("." + tail).utf8.reversed())
  }

  /// As `resolve`.
  ///
  /// - Throws: `peer.tensor-unknown`.
  public func require(_ name: String, path: String) throws(PatchError) -> String {
    if let found = resolve(name) { return found }
    throw PatchError(
      .peerTensorUnknown, "the base has no tensor '\(name)'", path: path,
      hint: "give the base that the file was made for")
  }
}
