/// Named tensors of some container, read one at a time.
///
/// Models, imports and patches see weights only through this protocol.
public protocol TensorSource: Sendable {
  /// Every tensor, sorted by the UTF-8 bytes of its name.
  var tensors: [TensorInfo] { get }

  /// The description of one tensor, or nil when there is none of that name.
  func info(of name: String) -> TensorInfo?

  /// Lends the tensor's little-endian, row-major bytes for the time of `body`.
  ///
  /// The bytes may be unaligned: read them with `loadUnaligned`.
  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result

  /// The tensor's bytes where they lie, as they are, in memory that stays valid as long as
  /// the source lives; nil for a source that forms them when they are asked for.
  func residentBytes(of name: String) -> UnsafeRawBufferPointer?

  /// Gives back the memory that a tensor's bytes took while they were read, where
  /// they are mapped; they can be read again.
  ///
  /// - Parameter part: bytes of the tensor, nil for all of them.
  func discard(_ name: String, _ part: Range<Int>?)
}

extension TensorSource {
  public func residentBytes(of name: String) -> UnsafeRawBufferPointer? { nil }

  public func discard(_ name: String, _ part: Range<Int>?) {}

  /// The tensor's description.
  ///
  /// - Throws: `tensor.missing`.
  public func requireInfo(of name: String) throws(CoreError) -> TensorInfo {
    guard let info = info(of: name) else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    return info
  }
}

/// A source whose names all lie under a prefix, which it hides.
public struct ScopedTensorSource: TensorSource {
  private let base: any TensorSource
  private let prefix: String

  public init(_ base: any TensorSource, prefix: String) {
    self.base = base
    self.prefix = prefix
  }

  public var tensors: [TensorInfo] {
    base.tensors.compactMap { info in
      guard info.name.utf8.starts(with: prefix.utf8) else { return nil }
      return info.renamed(
        String(decoding: info.name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
    }
  }

  public func info(of name: String) -> TensorInfo? {
    base.info(of: prefix + name)?.renamed(name)
  }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try base.withTensorBytes(prefix + name, body)
  }

  public func residentBytes(of name: String) -> UnsafeRawBufferPointer? {
    base.residentBytes(of: prefix + name)
  }

  public func discard(_ name: String, _ part: Range<Int>?) { base.discard(prefix + name, part) }
}

/// Tensors held in memory; for tests, small conversions and new heads.
public struct TensorCollection: TensorSource {
  private var entries: [UTF8Key: (info: TensorInfo, bytes: [UInt8])] = [:]

  public init() {}

  /// Adds or replaces a tensor from its little-endian bytes.
  public mutating func set(
    _ name: String, dtype: DType, shape: [Int], bytes: [UInt8]
  ) throws(CoreError) {
    let info = try TensorInfo(name: name, dtype: dtype, shape: shape)
    precondition(info.byteCount == bytes.count, "'\(name)' needs \(info.byteCount) bytes")
    entries[UTF8Key(name)] = (info, bytes)
  }

  /// Adds or replaces an f32 tensor.
  public mutating func set(
    _ name: String, shape: [Int], floats: [Float]
  ) throws(CoreError) {
    let bytes = floats.withUnsafeBytes { Array($0) }
    try set(name, dtype: .f32, shape: shape, bytes: bytes)
  }

  public mutating func remove(_ name: String) {
    entries[UTF8Key(name)] = nil
  }

  public var tensors: [TensorInfo] {
    entries.values.map(\.info).sorted { utf8Precedes($0.name, $1.name) }
  }

  public func info(of name: String) -> TensorInfo? { entries[UTF8Key(name)]?.info }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = entries[UTF8Key(name)] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    return try entry.bytes.withUnsafeBytes(body)
  }
}

/// The order of all names in ctk's files: by UTF-8 bytes.
public func utf8Precedes(_ left: String, _ right: String) -> Bool {
  left.utf8.lexicographicallyPrecedes(right.utf8)
}
