public import CTKCore

/// A checkpoint with patches applied, tensor by tensor as they are read.
///
/// Every touched tensor is checked against its digests each time; untouched
/// tensors are lent as they are. Use `PatchVerifier` to check the whole.
public struct PatchedSource: TensorSource {
  public let tensors: [TensorInfo]
  private let base: any TensorSource
  private let chain: PatchChain
  private let routes: [UTF8Key: TensorRoute]

  /// - Throws: `patch.chain-broken`, and the codes of a wrong base when a touched
  ///   tensor is missing or of another dtype or shape.
  public init(base: any TensorSource, patches: [PatchFile]) throws(PatchError) {
    let chain = try PatchChain(patches, direction: .apply)
    let workers = Workers(threadCount: nil)
    let routes = try chain.routes(for: base, workers)
    self.base = base
    self.chain = chain
    self.routes = Dictionary(uniqueKeysWithValues: routes.map { (UTF8Key($0.name), $0) })
    tensors = routes.compactMap(\.result)
  }

  public func info(of name: String) -> TensorInfo? { routes[UTF8Key(name)]?.result }

  public func residentBytes(of name: String) -> UnsafeRawBufferPointer? {
    routes[UTF8Key(name)]?.isTouched == false ? base.residentBytes(of: name) : nil
  }

  public func discard(_ name: String, _ part: Range<Int>?) {
    if routes[UTF8Key(name)]?.isTouched == false { base.discard(name, part) }
  }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let route = routes[UTF8Key(name)], route.result != nil else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    if !route.isTouched { return try base.withTensorBytes(name, body) }
    let runner = RouteRunner(
      chain: chain, source: base, workers: Workers(threadCount: nil), progress: nil)
    let buffer = try runner.tensor(route)
    return try buffer.withBytes { try body(UnsafeRawBufferPointer($0)) }
  }
}
