import CTKCore
import CTKTensor

/// What is known of a checkpoint's tensors once each has been read.
struct CheckpointSurvey {
  private struct Row {
    let info: TensorInfo
    let digest: Digest
    let statistics: TensorStatistics?
  }

  private var rows: [Row] = []

  mutating func add(_ info: TensorInfo, _ bytes: UnsafeRawBufferPointer) {
    rows.append(
      Row(
        info: info, digest: Fingerprint.tensor(info, bytes: bytes),
        statistics: TensorStatistics(bytes, info)))
  }

  private var parameters: Int { rows.map(\.info.elementCount).reduce(0, +) }

  private var fingerprint: Digest {
    Fingerprint.checkpoint(rows.map { ($0.info.name, $0.digest) })
  }

  var json: JSONObject {
    JSONObject([
      "kind": "checkpoint", "fingerprint": .string(fingerprint.hex),
      "parameters": .integer(parameters), "tensors": .array(rows.map(Self.json)),
    ])
  }

  private static func json(_ row: Row) -> JSONValue {
    [
      "name": .string(row.info.name), "dtype": .string(row.info.dtype.rawValue),
      "shape": .array(row.info.shape.map { .integer($0) }), "sha256": .string(row.digest.hex),
      "statistics": row.statistics.map(json) ?? .null,
    ]
  }

  private static func json(_ statistics: TensorStatistics) -> JSONValue {
    func figure(_ value: Double) -> JSONValue { statistics.hasValues ? .real(value) : .null }
    return [
      "min": figure(Double(statistics.smallest)), "max": figure(Double(statistics.largest)),
      "mean": figure(statistics.mean), "deviation": figure(statistics.deviation),
      "not_finite": .integer(statistics.notFinite),
    ]
  }

  /// A table of the tensors, then the figures of the whole.
  var text: String {
    var table = Table([
      "tensor", "type", "shape", ">elements", ">mean", ">deviation", ">min", ">max", "sha256",
    ])
    for row in rows {
      let shape = row.info.shape.map(String.init).joined(separator: "x")
      table.add(
        [row.info.name, row.info.dtype.rawValue, shape, Humanize.count(row.info.elementCount)]
          + Self.cells(row.statistics) + [String(row.digest.hex.prefix(12))])
    }
    return """
      \(table.text)

      parameters   \(Humanize.count(parameters))\(notFinite)
      fingerprint  \(fingerprint.hex)
      """
  }

  private static func cells(_ statistics: TensorStatistics?) -> [String] {
    guard let statistics, statistics.hasValues else { return ["-", "-", "-", "-"] }
    return [
      statistics.mean, statistics.deviation, Double(statistics.smallest),
      Double(statistics.largest),
    ].map { Humanize.fixed($0, 4) }
  }

  private var notFinite: String {
    let count = rows.compactMap(\.statistics?.notFinite).reduce(0, +)
    return count == 0 ? "" : "\nnot finite   \(Humanize.count(count))"
  }
}
