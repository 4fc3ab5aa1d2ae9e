/// Colours for shares from 0 to 1: light to dark, so that they survive grey printing.
public enum ColorScale {
  /// Red, green and blue at equal distances along the scale.
  private static let anchors: [(Double, Double, Double)] = [
    (247, 250, 250), (205, 231, 228), (140, 200, 205), (70, 150, 180), (38, 95, 150),
    (28, 45, 105), (14, 14, 48),
  ]

  /// The colour of a share, as `#rrggbb`.
  public static func color(_ share: Double) -> String {
    let place = min(max(share, 0), 1) * Double(anchors.count - 1)
    let index = min(Int(place), anchors.count - 2)
    let (low, high, part) = (anchors[index], anchors[index + 1], place - Double(index))
    let channels = [(low.0, high.0), (low.1, high.1), (low.2, high.2)]
    return channels.reduce("#") { text, ends in
      let value = Int((ends.0 + (ends.1 - ends.0) * part).rounded())
      let digits = String(value, radix: 16)
      return text + (digits.count < 2 ? "0" + digits : digits)
    }
  }

  /// A colour for text that lies on the scale's colour.
  public static func textColor(on share: Double) -> String {
    share > 0.45 ? "#ffffff" : "#222222"
  }
}
