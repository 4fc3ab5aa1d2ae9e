extension IdeographTables {
  /// Compatibility ideographs that are not their own canonical form, with that form.
  static var canonicalForms: [(ideograph: UInt32, form: UInt32)] {
    var ideographs: [UInt32] = []
    for row in stride(from: 0, to: blockStarts.count, by: 2) {
      ideographs += blockStarts[row]..<blockStarts[row] + blockStarts[row + 1]
    }
    return zip(ideographs, forms).filter { $0.1 != 0 }.map { (ideograph: $0.0, form: $0.1) }
  }
}
