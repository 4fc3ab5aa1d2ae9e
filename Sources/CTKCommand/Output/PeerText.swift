import CTKPatch

/// What is told about other tools' formats.
enum PeerText {
  static func summary(_ summary: PeerSummary) -> String {
    let exactness =
      summary.inexact == 0
      ? "exact"
      : "\(Humanize.count(summary.inexact)) weights are not reached by an addition, the worst "
        + "is off by \(Float(summary.largestError))"
    return """
      format       \(summary.format.rawValue)
      changed      \(Humanize.count(summary.changed)) weights as \
      \(Humanize.count(summary.stored)) numbers, \(summary.whole.count) tensors whole
      exactness    \(exactness)
      """
  }

  /// What a source in a peer's format leaves open.
  static func remark(_ format: PeerFormat) -> String {
    let origin = "from \(format.rawValue), which does not name its base: the base was not checked"
    return format.isExact
      ? origin : origin + "; its float differences were put on by one addition each"
  }
}
