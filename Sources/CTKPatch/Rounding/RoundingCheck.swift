import CTKCore

/// The comparison of what a patch says about its rounding with the model before it was
/// rounded.
struct RoundingCheck {
  /// Means are sums in another order.
  private static let meanTolerance = 1e-9

  let patch: PatchFile
  let base: any TensorSource
  let unrounded: any TensorSource
  let workers: Workers

  func firstDifference(_ checked: inout Int) throws(PatchError) -> VerifyResult.Difference? {
    let found = Fingerprint.checkpoint(try unrounded.tensorDigests(workers))
    let expected =
      patch.header.rounding?.unroundedFingerprint ?? patch.header.targetFingerprint
    checked += 1
    if found != expected {
      return difference("unrounded", expected, found)
    }
    guard let record = patch.header.rounding else { return nil }
    checked += 1
    let error = try error(weights: record.error.weights)
    guard error.worst == record.error.worst,
      abs(error.mean - record.error.mean) <= Self.meanTolerance * record.error.mean
    else { return difference("rounding", nil, nil) }
    return nil
  }

  private func difference(
    _ subject: String, _ expected: Digest?, _ found: Digest?
  ) -> VerifyResult.Difference {
    VerifyResult.Difference(
      subject: subject, place: "unrounded", expected: expected, found: found)
  }

  /// The errors of the target's weights, of which `weights` were rounded.
  private func error(weights: Int) throws(PatchError) -> RoundingError {
    let routes = try PatchChain([patch], direction: .apply).routes(for: base, workers)
      .filter { $0.isTouched && $0.source?.dtype == .f32 && $0.result?.dtype == .f32 }
    let errors = try workers.map(weights: routes.map(\.weight)) {
      (index) throws(PatchError) -> (worst: Double, total: Double) in
      let route = routes[index]
      guard unrounded.info(of: route.name) == route.result else { return (0, 0) }
      return try unrounded.lend(route.name) { (bytes) throws(PatchError) in
        var (worst, total) = (0.0, 0.0)
        _ = try route.run(base) { offset, made in
          let trained = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + made.count])
          for unit in 0..<made.count / 4 {
            let error = abs(Self.value(made, unit) - Self.value(trained, unit))
            if error > 0 && error.isFinite {
              worst = max(worst, error)
              total += error
            }
          }
        }
        return (worst, total)
      }
    }
    let total = errors.reduce(0) { $0 + $1.total }
    return RoundingError(
      weights: weights, worst: errors.reduce(0) { max($0, $1.worst) },
      mean: weights == 0 ? 0 : total / Double(weights))
  }

  private static func value(_ bytes: UnsafeRawBufferPointer, _ unit: Int) -> Double {
    let bits = bytes.loadUnaligned(fromByteOffset: 4 * unit, as: UInt32.self)
    return Double(Float(bitPattern: UInt32(littleEndian: bits)))
  }
}
