import CTKCore
import Foundation
import Testing

@Suite("Drawing") struct PlotTests {
  @Test("drawings are well-formed and escaped")
  func wellFormed() throws {
    var drawing = SVGDocument(width: 10.5, height: 20, title: "a < b & \"c\"")
    drawing.text("<x>\u{1}", x: 1, y: 2.345, anchor: .middle, isBold: true)
    drawing.rectangle(x: 0, y: 0, width: 1, height: 1, fill: "#000000", hint: "1 > 0")
    drawing.polyline([(0, 0), (1.5, 2)], stroke: "#123456")
    drawing.line(x1: 0, y1: 0, x2: 1, y2: 1)
    drawing.path("M0 0h1v1z", fill: ColorScale.color(0.5))
    let text = drawing.text
    let stack = text.matches(of: /<(\/?)(\w+)[^<>]*?(\/?)>/)
    var open: [Substring] = []
    for tag in stack {
      if tag.1 == "/" {
        #expect(open.popLast() == tag.2)
      } else if tag.3 != "/" {
        open.append(tag.2)
      }
    }
    #expect(open.isEmpty)
    #expect(text.contains("a &lt; b &amp; &quot;c&quot;") && text.contains("&lt;x&gt;\u{FFFD}"))
    #expect(text.contains("viewBox=\"0 0 10.5 20\"") && text.contains("y=\"2.35\""))
  }

  @Test(
    "lengths have at most two digits behind the point",
    arguments: [
      (1, "1"), (0.5, "0.5"), (-0.05, "-0.05"), (1.999, "2"), (-0.001, "0"), (12.34, "12.34"),
    ])
  func numbers(value: Double, text: String) {
    #expect(SVGDocument.number(value) == text)
  }

  @Test("colours darken from one end of the scale to the other")
  func colours() {
    func lightness(_ share: Double) -> Int {
      let digits = Array(ColorScale.color(share).dropFirst())
      return stride(from: 0, to: 6, by: 2).reduce(0) {
        $0 + (Int(String(digits[$1...$1 + 1]), radix: 16) ?? -1000)
      }
    }
    for step in 0..<100 {
      #expect(lightness(Double(step) / 100) >= lightness(Double(step + 1) / 100))
    }
    #expect(
      ColorScale.color(-3) == ColorScale.color(0) && ColorScale.color(9) == ColorScale.color(1))
  }
}
