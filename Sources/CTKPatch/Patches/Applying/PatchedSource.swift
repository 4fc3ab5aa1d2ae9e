public import CTKCore

/// A checkpoint with patches applied, tensor by tensor as they are read.
///
/// Every touched tensor is checked against its digests each time; untouched
/// tensors are lent as they are. Use `PatchVerifier` to check the whole.
public struct PatchedSource: TensorSource {
  public let tensors: [TensorInfo]
  private let base: any TensorSource
  private let chain: PatchChain
  private let plans: [String: TensorPlan]

  /// - Throws: `patch.chain-broken`, and the codes of a wrong base when a touched
  ///   tensor is missing or of another dtype or shape.
  public init(base: any TensorSource, patches: [PatchFile]) throws(PatchError) {
    let chain = try PatchChain(patches, direction: .apply)
    let plans = try chain.plan(for: base)
    self.base = base
    self.chain = chain
    self.plans = Dictionary(uniqueKeysWithValues: plans.map { ($0.name, $0) })
    tensors = plans.compactMap(\.result)
  }

  public func info(of name: String) -> TensorInfo? { plans[name]?.result }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let plan = plans[name], plan.result != nil else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    if !plan.isTouched { return try base.withTensorBytes(name, body) }
    var result: Result?
    var failure: (any Error)?
    _ = try chain.transform(plan, of: base) { (bytes) throws(PatchError) in
      do {
        result = try body(bytes)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    guard let result else { throw CoreError(.tensorMissing, "there is no tensor '\(name)'") }
    return result
  }
}
