import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// One model of `fixtures/checkpoints/malformed/models` and what is expected of an import.
struct MalformedModel: Sendable, CustomTestStringConvertible {
  let name: String
  let expectation: String

  var testDescription: String { name }
  /// Whether the entry is a configuration for the sound weights.
  var isConfiguration: Bool { name.hasPrefix("configs/") }

  var source: String { model(isConfiguration ? "ok/model.safetensors" : name) }
  var options: ImportOptions {
    ImportOptions(configurationPath: isConfiguration ? model(name) : nil)
  }

  static let all: [MalformedModel] = {
    let path = Fixtures.path("checkpoints/malformed/expected.json")
    let listing = try? JSONParser.parseFile(path)["models"]?.objectValue
    return (listing?.members ?? []).map {
      MalformedModel(name: $0.key, expectation: $0.value["expect"]?.stringValue ?? "")
    }
  }()

  static func expecting(_ expectation: String) -> [MalformedModel] {
    all.filter { $0.expectation == expectation }
  }
}

@Suite("Models whose parts do not fit", .tags(.format, .hostile))
struct MalformedModelTests {
  private let folder = TemporaryFolder()

  @Test func everyEntryHasAnExpectation() {
    let known = ["accept", "reject", "report"].flatMap(MalformedModel.expecting)
    #expect(known.count == MalformedModel.all.count)
    #expect(known.count > 50)
  }

  @Test("Refused with a code, leaving nothing", arguments: MalformedModel.expecting("reject"))
  func refused(_ entry: MalformedModel) throws {
    let code = failureCode { try runImport(entry.source, into: folder, entry.options) }
    #expect(code == Self.refusals[entry.name])
    #expect(folder.names.isEmpty)
  }

  @Test("Imported", arguments: MalformedModel.expecting("accept"))
  func accepted(_ entry: MalformedModel) throws {
    let report = try runImport(entry.source, into: folder, entry.options)
    #expect(report.plan.missing.isEmpty)
    #expect(try Checkpoint.open(folder.file("out")).fingerprint() == report.fingerprint)
  }

  @Test("Reported", arguments: MalformedModel.expecting("report"))
  func reported(_ entry: MalformedModel) throws {
    var options = entry.options
    options.isStrict = true
    let code = failureCode { try runImport(entry.source, into: folder, as: "strict", options) }
    #expect(code == Self.refusedIfStrict[entry.name])
    #expect(folder.names.isEmpty == (code != nil))
    let report = try runImport(entry.source, into: folder, entry.options)
    let text = try #require(Self.reports[entry.name])
    #expect(report.table.contains(text), "\(report.table)")
    #expect(
      report.json.prettyText
        == (try String(contentsOfFile: folder.file("out/import-report.json"), encoding: .utf8)))
  }

  private static let refusals = [
    "configs/activation.json": "config.unsupported",
    "configs/decoder.json": "config.unsupported",
    "configs/empty.json": "json.invalid",
    "configs/heads-zero.json": "config.invalid",
    "configs/heads.json": "config.invalid",
    "configs/hidden-size.json": "import.shape-mismatch",
    "configs/labels.json": "import.shape-mismatch",
    "configs/layers-huge.json": "config.invalid",
    "configs/layers-negative.json": "config.invalid",
    "configs/list.json": "config.invalid",
    "configs/missing.json": "checkpoint.config-missing",
    "configs/model-type.json": "config.unsupported",
    "configs/no-hidden-size.json": "config.invalid",
    "configs/not-json.json": "json.invalid",
    "configs/positions.json": "import.shape-mismatch",
    "configs/relative-positions.json": "config.unsupported",
    "configs/string-number.json": "config.invalid",
    "configs/vocab.json": "import.shape-mismatch",
    "dtype-integer": "import.dtype-unsupported",
    "flat-transposed": "import.shape-mismatch",
    "names-gamma-and-weight": "import.conflict",
    "no-weights": "import.source-missing",
    "shape-extra-axis": "import.shape-mismatch",
    "shape-flat": "import.shape-mismatch",
    "shape-transposed": "import.shape-mismatch",
    "sharded-index-no-map": "safetensors.index-invalid",
    "sharded-index-not-json": "safetensors.index-invalid",
    "sharded-index-number": "safetensors.index-invalid",
    "sharded-missing-file": "safetensors.shard-missing",
    "sharded-path-absolute": "safetensors.shard-name-unsafe",
    "sharded-path-parent": "safetensors.shard-name-unsafe",
    "sharded-tensor-not-in-shard": "safetensors.shard-tensor-missing",
    "sharded-wrong-shard": "safetensors.shard-tensor-missing",
    "tf-transposed": "import.shape-mismatch",
  ]

  /// Errors of a strict import, since no such model can be a base.
  private static let refusedIfStrict = [
    "missing-layer-tensor": "import.tensor-missing",
    "values-not-finite": "import.not-finite",
  ]

  /// A piece of the report that names the finding.
  private static let reports = [
    "configs/no-eps.json": "no layer_norm_eps; 1e-12 was assumed",
    "configs/no-model-type.json": "no model_type; 'bert' was assumed",
    "extra-layer": "layer 1 is beyond the 1 layers",
    "extra-tensor": "bert.encoder.layer.0.adapter.weight",
    "flat-missing": "classifier.weight",
    "missing-head-bias": "classifier.bias",
    "missing-layer-tensor": "bert.encoder.layer.0.attention.self.value.bias",
    "missing-pooler": "bert.pooler.dense.weight",
    "names-gamma-elsewhere": "bert.scale_gamma.weight",
    "names-no-prefix": "classifier.weight",
    "sharded-and-single": "model.safetensors was read",
    "sharded-tensor-twice": "lies in",
    "sharded-unlisted-tensor": "is not in the index",
    "tf-copy-differs": "differs from",
    "values-not-finite": "holds 1 NaN and",
  ]
}
