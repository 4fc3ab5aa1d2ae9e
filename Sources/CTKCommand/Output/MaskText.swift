import CTKCore
import CTKPatch

/// A mask as a table for people.
enum MaskText {
  static func table(_ mask: ParameterMask) -> String {
    var table = Table(["tensor", ">selected", ">of", ">density"])
    for tensor in mask.tensors {
      let density = Double(tensor.positions.count) / Double(max(tensor.elementCount, 1))
      table.add([
        tensor.name, Humanize.count(tensor.positions.count),
        Humanize.count(tensor.elementCount), "\(Humanize.fixed(100 * density, 2)) %",
      ])
    }
    return """
      \(table.text)

      selected     \(Humanize.count(mask.selected)) of \(Humanize.count(mask.scored)) scored
      keep         \(mask.keep)
      digest       \(mask.digest.hex)
      """
  }
}
