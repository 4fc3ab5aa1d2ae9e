public import CTKCore

/// What was written for a peer.
public struct PeerSummary: Sendable {
  public let format: PeerFormat
  /// Elements that differ from the base in tensors that are not written whole.
  public internal(set) var changed = 0
  /// Numbers that are written for them, with those that fill up.
  public internal(set) var stored = 0
  /// Tensors that are written whole.
  public internal(set) var whole: [String] = []
  /// Elements whose bits the peer's addition does not reach.
  public internal(set) var inexact = 0
  /// Largest distance of these from the tuned number.
  public internal(set) var largestError = 0.0

  /// Counts an element whose difference was written.
  mutating func note(_ result: FloatDifference.Result) {
    inexact += result.isExact ? 0 : 1
    largestError = max(largestError, result.error)
  }

  /// The members that `ctk convert --json` prints.
  public var json: JSONObject {
    JSONObject([
      "format": .string(format.rawValue), "changed": .integer(changed),
      "stored": .integer(stored), "whole": .array(whole.map { .string($0) }),
      "exact": .bool(inexact == 0), "inexact": .integer(inexact),
      "largest_error": .real(largestError),
    ])
  }
}
