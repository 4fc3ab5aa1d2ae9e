import CTKCore
import CTKSafetensors

/// One application of a chain to a checkpoint on disk.
struct PatchJob {
  let chain: PatchChain
  let checkpoint: SafetensorsCheckpoint
  let plans: [TensorPlan]
  let options: ApplyOptions
  let progress: ProgressHandler?

  /// Writes a single safetensors file.
  func writeFile(_ path: String) throws(PatchError) -> ApplySummary {
    var ledger = FingerprintLedger(chain)
    let shard = ShardJob(path: path, plans: plans, replacesExisting: options.replacesExisting)
    try write(shard, &ledger, completed: 0) { (ledger) throws(PatchError) in
      try ledger.check(source: checkpoint)
    }
    return summary(files: [])
  }

  /// Writes a folder with the shards and the companions of `source`.
  func writeFolder(_ path: String, from source: String) throws(PatchError) -> ApplySummary {
    let files = FolderFiles(folder: source)
    let changed = try changedFiles(of: files)
    let output = try PatchError.wrap { () throws(CoreError) in
      try AtomicFolder(path: path, replacesExisting: options.replacesExisting)
    }
    var ledger = FingerprintLedger(chain)
    var completed = 0
    for (name, shardPlans) in shardPlans() {
      let shard = ShardJob(path: output.path(of: name), plans: shardPlans, replacesExisting: false)
      try write(shard, &ledger, completed: completed) { (_) throws(PatchError) in }
      completed += shardPlans.count
    }
    try ledger.check(source: checkpoint)
    try writeIndex(to: output.path(of: Self.indexName), source: source)
    for name in try files.companions() where !changed.contains(where: { $0.name == name }) {
      try files.copy(name, to: output.path(of: name))
    }
    for case (let name, let bytes?) in changed {
      try Self.write(bytes, to: output.path(of: name))
    }
    do throws(CoreError) {
      try output.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
    return summary(files: changed.map(\.name))
  }

  /// The small files to replace; a wrong checkpoint is reported before a wrong file.
  private func changedFiles(
    of files: FolderFiles
  ) throws(PatchError) -> [(name: String, bytes: [UInt8]?)] {
    do throws(PatchError) {
      return try files.results(of: chain, isForced: options.replacesDifferingFiles)
    } catch {
      guard error.code == PatchErrorCode.fileDiffers.rawValue else { throw error }
      let diagnosis = try SourceDiagnosis(chain: chain, source: checkpoint)
      throw diagnosis.isSource ? error : diagnosis.error()
    }
  }

  private func summary(files: [String]) -> ApplySummary {
    ApplySummary(
      fingerprint: chain.fingerprints[chain.fingerprints.count - 1],
      tensorCount: plans.count { $0.result != nil }, touched: chain.touchedNames, files: files)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path)
      try file.write(bytes)
      try file.commit()
    }
  }
}

// MARK: Shards

/// One safetensors file to write.
private struct ShardJob {
  let path: String
  let plans: [TensorPlan]
  let replacesExisting: Bool
}

extension PatchJob {
  private static let indexName = "model.safetensors.index.json"

  /// The tensors of each shard; those the patch adds go to the last one.
  private func shardPlans() -> [(name: String, plans: [TensorPlan])] {
    var shardOfTensor: [String: Int] = [:]
    for (position, shard) in checkpoint.shards.enumerated() {
      for info in shard.tensors { shardOfTensor[info.name] = position }
    }
    var result = checkpoint.shards.map { (name: $0.name, plans: [TensorPlan]()) }
    for plan in plans {
      result[shardOfTensor[plan.name] ?? result.count - 1].plans.append(plan)
    }
    return result
  }

  private func write(
    _ shard: ShardJob, _ ledger: inout FingerprintLedger, completed: Int,
    beforeCommit: (FingerprintLedger) throws(PatchError) -> Void
  ) throws(PatchError) {
    var writer = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsWriter(
        path: shard.path, tensors: shard.plans.compactMap(\.result),
        metadata: checkpoint.metadata, replacesExisting: shard.replacesExisting)
    }
    let planOfTensor = Dictionary(uniqueKeysWithValues: shard.plans.map { ($0.name, $0) })
    let kept = writer.order.compactMap { planOfTensor[$0.name] }
    let dropped = shard.plans.filter { $0.result == nil }
    for (position, plan) in (kept + dropped).enumerated() {
      report(completed + position)
      let digests = try chain.transform(plan, of: checkpoint) { (bytes) throws(PatchError) in
        try PatchError.wrap { () throws(SafetensorsError) in try writer.write(bytes) }
      }
      ledger.record(plan.name, digests)
    }
    try beforeCommit(ledger)
    do throws(SafetensorsError) {
      try writer.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
  }

  private func report(_ completed: Int) {
    progress?(
      ProgressEvent(
        stage: chain.direction == .apply ? "apply" : "revert", completed: completed,
        total: plans.count, unit: "tensors"))
  }

  /// Writes the shard index, when the source has one.
  private func writeIndex(to path: String, source: String) throws(PatchError) {
    guard checkpoint.isSharded else { return }
    let original = source + "/" + Self.indexName
    var index = JSONObject()
    if Folder.fileExists(original) {
      let parsed = try PatchError.wrap { () throws(CoreError) in
        try JSONParser.parseFile(original)
      }
      index = parsed.objectValue ?? index
    }
    var (map, byteCount) = (JSONObject(), 0)
    for (name, plans) in shardPlans() {
      for info in plans.compactMap(\.result) {
        map[info.name] = .string(name)
        byteCount += info.byteCount
      }
    }
    var metadata = index["metadata"]?.objectValue ?? JSONObject()
    metadata["total_size"] = .integer(byteCount)
    index["metadata"] = .object(metadata)
    index["weight_map"] = .object(map)
    try Self.write(Array(JSONValue.object(index).prettyText.utf8), to: path)
  }
}

extension SafetensorsCheckpoint {
  /// Whether the tensors came by way of a shard index.
  fileprivate var isSharded: Bool {
    path.hasSuffix(".json")
      || Folder.exists(path) && !Folder.fileExists(path + "/model.safetensors")
  }
}
