/// A drawing as SVG text; equal drawings give equal bytes.
///
/// Lengths are in user units, with the origin at the top left.
public struct SVGDocument: Sendable {
  public enum Anchor: String, Sendable {
    case start
    case middle
    case end
  }

  public let width: Double
  public let height: Double
  private var elements: [String] = []

  /// A drawing on a white ground.
  ///
  /// - Parameter title: what it shows, for readers that do not see it.
  public init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    elements.append("<title>\(Self.escaped(title))</title>")
    rectangle(x: 0, y: 0, width: width, height: height, fill: "#ffffff")
  }

  /// - Parameter hint: is shown when the pointer rests on the rectangle.
  public mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, fill: String, stroke: String? = nil,
    hint: String? = nil
  ) {
    var element =
      "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
      + "height=\"\(Self.number(height))\" fill=\"\(fill)\""
    if let stroke { element += " stroke=\"\(stroke)\"" }
    element += hint.map { "><title>\(Self.escaped($0))</title></rect>" } ?? "/>"
    elements.append(element)
  }

  public mutating func text(
    _ text: String, x: Double, y: Double, size: Double = 11, anchor: Anchor = .start,
    fill: String = "#222222", isBold: Bool = false
  ) {
    let weight = isBold ? " font-weight=\"600\"" : ""
    elements.append(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" "
        + "text-anchor=\"\(anchor.rawValue)\" fill=\"\(fill)\"\(weight)>"
        + "\(Self.escaped(text))</text>")
  }

  public mutating func line(
    x1: Double, y1: Double, x2: Double, y2: Double, stroke: String = "#888888",
    width: Double = 1
  ) {
    elements.append(
      "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" "
        + "y2=\"\(Self.number(y2))\" stroke=\"\(stroke)\" stroke-width=\"\(Self.number(width))\"/>")
  }

  /// A line through points.
  public mutating func polyline(
    _ points: [(x: Double, y: Double)], stroke: String, width: Double = 1.5
  ) {
    let text = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }
    elements.append(
      "<polyline points=\"\(text.joined(separator: " "))\" fill=\"none\" stroke=\"\(stroke)\" "
        + "stroke-width=\"\(Self.number(width))\" stroke-linejoin=\"round\"/>")
  }

  /// A filled shape.
  ///
  /// - Parameter data: SVG path commands.
  public mutating func path(_ data: String, fill: String) {
    elements.append("<path d=\"\(data)\" fill=\"\(fill)\"/>")
  }

  /// The whole file.
  public var text: String {
    let size =
      "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" "
      + "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) "
      + "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n"
      + elements.joined(separator: "\n") + "\n</svg>\n"
  }

  /// At most two digits behind the point, and no more than needed.
  public static func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    if rest % 10 == 0 { return "\(sign)\(whole).\(rest / 10)" }
    return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // XML has no place for control characters.
      case _ where scalar.value < 0x20: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
