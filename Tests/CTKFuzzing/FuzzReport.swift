extension FuzzCampaign.Report {
  /// The longest that a case may take.
  public static let durationLimit = Duration.seconds(1)

  /// Whether every case ended in time, with a result or an error of ctk's.
  public var isSound: Bool { foreignErrors.isEmpty && slowest.duration < Self.durationLimit }

  /// A few lines for people.
  public var summary: String {
    let codes = refusals.sorted { $0.value > $1.value }.map { "    \($0.value)  \($0.key)\n" }
    return """
      \(target): \(cases) cases, \(accepted) accepted, slowest \(slowest.duration) (case \
      \(slowest.number)), foreign errors \(foreignErrors.count)
      \(codes.joined())\(foreignErrors.prefix(5).map { "    \($0)\n" }.joined())
      """
  }
}
