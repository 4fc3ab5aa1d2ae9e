import CTKCore
import CTKPatch

/// How far the weights of a patch move, tensor by tensor.
struct PatchSteps {
  private var histograms: [UTF8Key: StepHistogram] = [:]

  /// - Throws: `patch.damaged`, `patch.unsupported`.
  init(_ patch: PatchFile, base: (any TensorSource)? = nil) throws(PatchError) {
    for entry in patch.header.entries where entry.kind == .changed {
      histograms[UTF8Key(entry.name)] = try patch.steps(of: entry.name, base: base)
    }
  }

  subscript(name: String) -> StepHistogram? { histograms[UTF8Key(name)] }

  /// The report's members with the figures of each tensor added.
  func added(to report: JSONObject) -> JSONObject {
    var report = report
    let rows = report["tensors"]?.arrayValue ?? []
    report["tensors"] = .array(
      rows.map { row in
        guard var object = row.objectValue, let name = object["name"]?.stringValue,
          let steps = histograms[UTF8Key(name)]
        else { return row }
        object["value_bound_bits"] = .real(steps.boundBits / Double(max(steps.count, 1)))
        object["mean_steps"] = .real(steps.mean)
        object["largest_steps"] = steps.largestJSON
        object["steps_histogram"] = steps.json
        return .object(object)
      })
    return report
  }
}
