import Foundation

/// Numbers as people read them.
enum Humanize {
  static func bytes(_ count: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var (value, unit) = (Double(count), 0)
    while value >= 1000 && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(value, 2)) \(units[unit])"
  }

  /// Such as "0.4 s", "1:05" or "2:03:04".
  static func duration(_ seconds: Double) -> String {
    if seconds < 60 { return "\(fixed(seconds, 1)) s" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    let tail = "\(padded(minutes)):\(padded(rest))"
    return hours > 0 ? "\(hours):\(tail)" : "\(minutes):\(padded(rest))"
  }

  static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// A share as percent, without the sign, with the digits that matter.
  static func percent(_ share: Double) -> String {
    let percent = 100 * share
    return fixed(percent, percent >= 99.995 || percent == 0 ? 0 : percent >= 1 ? 1 : 2)
  }

  /// Thousands apart.
  static func count(_ number: Int) -> String {
    let digits = Array(String(number))
    var text = ""
    for (position, digit) in digits.enumerated() {
      if position > 0 && (digits.count - position) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  private static func padded(_ number: Int) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
