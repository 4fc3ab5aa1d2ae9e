import CTKCore
import CTKTuning

/// Measured stages beside the machine's ceilings, for people and for scripts.
struct BenchText {
  struct Result {
    let shape: StepBenchmark.Shape
    let stages: [StepBenchmark.Stage]
  }

  let ceilings: MachineCeilings
  let results: [Result]

  var table: String {
    var table = Table([
      ">batch", ">length", "stage", ">ms", ">tokens/s", ">GFLOP/s", ">of ceiling",
    ])
    for result in results {
      for stage in result.stages {
        let rate = stage.operations / stage.seconds
        table.add([
          "\(result.shape.batchSize)", "\(result.shape.length)", stage.name,
          Humanize.fixed(1e3 * stage.seconds, 1),
          Humanize.count(Int(result.shape.tokens / stage.seconds)),
          Humanize.fixed(rate / 1e9, 1),
          "\(Humanize.percent(rate / ceilings.roof(intensity: stage.intensity))) %",
        ])
      }
    }
    return """
      matrix product  \(Humanize.fixed(ceilings.productRate / 1e9, 1)) GFLOP/s
      copy            \(Humanize.fixed(ceilings.copyRate / 1e9, 1)) GB/s, read and written
      SHA-256         \(Humanize.fixed(ceilings.digestRate / 1e9, 2)) GB/s on one thread

      \(table.text)
      """
  }

  var json: JSONObject {
    let rows = results.flatMap { result in
      result.stages.map { stage -> JSONValue in
        [
          "batch_size": .integer(result.shape.batchSize),
          "length": .integer(result.shape.length), "stage": .string(stage.name),
          "seconds": .real(stage.seconds),
          "tokens_per_second": .real(result.shape.tokens / stage.seconds),
          "operations": .real(stage.operations), "bytes": .real(stage.bytes),
          "of_ceiling": .real(
            stage.operations / stage.seconds / ceilings.roof(intensity: stage.intensity)),
        ]
      }
    }
    return JSONObject([
      "ceilings": [
        "product_flops": .real(ceilings.productRate),
        "copy_bytes_per_second": .real(ceilings.copyRate),
        "sha256_bytes_per_second": .real(ceilings.digestRate),
      ],
      "stages": .array(rows),
    ])
  }
}

extension StepBenchmark.Stage {
  /// Operations for each byte.
  var intensity: Double { operations / bytes }
}

extension StepBenchmark.Shape {
  fileprivate var tokens: Double { Double(batchSize * length) }
}
