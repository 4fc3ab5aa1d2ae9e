package import CTKCore
import Foundation

/// The curves of a run as an SVG picture: loss, learning rate and metrics over the steps.
package struct RunPlot {
  private let losses: [(step: Int, value: Double)]
  private let rates: [(step: Int, value: Double)]
  /// By name, in the order in which the log lists them.
  private let metrics: [(name: String, points: [(step: Int, value: Double)])]

  private static let width = 720.0
  private static let colors = ["#1f4e79", "#b5532c", "#3d7a3d", "#7a4d8b", "#8a6d1d", "#4d4d4d"]
  /// Weight of a new loss in the smooth curve.
  private static let smoothing = 0.05

  /// - Parameter events: of the run's log.
  package init(events: [JSONValue]) {
    var losses: [(step: Int, value: Double)] = []
    var rates: [(step: Int, value: Double)] = []
    var metrics: [(name: String, points: [(step: Int, value: Double)])] = []
    for event in events {
      guard let step = event["step"]?.intValue else { continue }
      if event["event"] == "step" {
        if let loss = event["loss"]?.doubleValue { losses.append((step, loss)) }
        if let rate = event["learning_rate"]?.doubleValue { rates.append((step, rate)) }
      }
      for (name, value) in event["metrics"]?.objectValue?.members ?? [] {
        guard let value = value.doubleValue else { continue }
        if let place = metrics.firstIndex(where: { $0.name == name }) {
          metrics[place].points.append((step, value))
        } else {
          metrics.append((name, [(step, value)]))
        }
      }
    }
    self.losses = losses
    self.rates = rates
    self.metrics = metrics
  }

  /// Reads the log of a run; lines that a kill cut off are left out.
  ///
  /// - Throws: the codes of reading the file.
  static func read(_ folder: RunFolder) throws(CoreError) -> RunPlot {
    let lines = try readSmallFile(folder.log).split(separator: UInt8(ascii: "\n"))
    return RunPlot(events: lines.compactMap { try? JSONParser.parse(Array($0)) })
  }

  package var svg: String {
    let panels = panels
    var document = SVGDocument(
      width: Self.width, height: CurvePanel.height * Double(panels.count) + 30,
      title: "Loss, learning rate and metrics of the run over its steps")
    for (number, panel) in panels.enumerated() {
      panel.draw(in: &document, y: 6 + CurvePanel.height * Double(number))
    }
    document.text(
      "step", x: Self.width / 2, y: document.height - 10, size: 10, anchor: .middle)
    return document.text
  }

  private var panels: [CurvePanel] {
    let lastStep = losses.last?.step ?? 1
    return [
      CurvePanel(
        title: "loss",
        series: [
          CurvePanel.Series(name: "each step", points: losses, color: "#9db8d0", width: 1),
          CurvePanel.Series(name: "smooth", points: smooth, color: Self.colors[0], width: 2),
        ], lastStep: lastStep, includesZero: true),
      CurvePanel(
        title: "learning rate",
        series: [CurvePanel.Series(name: nil, points: rates, color: Self.colors[0])],
        lastStep: lastStep, includesZero: true),
      CurvePanel(
        title: "evaluation",
        series: metrics.enumerated().map { number, metric in
          CurvePanel.Series(
            name: metric.name, points: metric.points,
            color: Self.colors[number % Self.colors.count], marksPoints: true)
        }, lastStep: lastStep, includesZero: false),
    ]
  }

  private var smooth: [(step: Int, value: Double)] {
    var mean = losses.first?.value ?? 0
    return losses.map { entry in
      mean += Self.smoothing * (entry.value - mean)
      return (entry.step, mean)
    }
  }
}
