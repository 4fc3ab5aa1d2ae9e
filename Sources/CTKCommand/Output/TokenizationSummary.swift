import CTKCore
import CTKText

/// How many tokens texts have, and how fast they came.
struct TokenizationSummary {
  let texts: Int
  let tokens: Int
  /// Tokens of the longest text.
  let longest: Int
  /// Time of the encoding alone.
  let seconds: Double

  init(_ encodings: [Encoding], seconds: Double) {
    let lengths = encodings.map(\.inputIDs.count)
    texts = lengths.count
    tokens = lengths.reduce(0, +)
    longest = lengths.max() ?? 0
    self.seconds = seconds
  }

  private var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

  var json: JSONObject {
    JSONObject([
      "texts": .integer(texts), "tokens": .integer(tokens), "longest": .integer(longest),
      "seconds": .real(seconds), "tokens_per_second": .real(tokensPerSecond),
    ])
  }

  var text: String {
    "\(Humanize.count(texts)) texts, \(Humanize.count(tokens)) tokens, at most "
      + "\(Humanize.count(longest)) in a text; \(Humanize.count(Int(tokensPerSecond))) tokens/s"
  }
}
