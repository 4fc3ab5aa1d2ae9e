import CTKCore
import CTKSafetensors

/// One application of a chain to a checkpoint on disk.
struct PatchJob {
  let runner: RouteRunner
  let checkpoint: SafetensorsCheckpoint
  let routes: [TensorRoute]
  let options: ApplyOptions

  var chain: PatchChain { runner.chain }

  /// Writes a single safetensors file.
  func writeFile(_ path: String) throws(PatchError) -> ApplySummary {
    let layout = try layout(of: routes, shard: 0)
    var file = try open(
      path, layout, replacesExisting: options.replacesExisting, isDurable: isDurable(path))
    let digests = try write(routes, layout, to: &file, completed: 0)
    try check(routes, digests)
    try commit(file)
    return summary(files: [])
  }

  /// Writes a folder with the shards and the companions of `source`.
  func writeFolder(_ path: String, from source: String) throws(PatchError) -> ApplySummary {
    let files = FolderFiles(folder: source)
    let changed = try changedFiles(of: files)
    let isDurable = isDurable(path)
    let output = try PatchError.wrap { () throws(CoreError) in
      try AtomicFolder(
        path: path, replacesExisting: options.replacesExisting, isDurable: isDurable)
    }
    let plan = ShardPlan(checkpoint: checkpoint, routes: routes)
    var (done, digests): ([TensorRoute], [RouteDigests]) = ([], [])
    for (position, shard) in plan.shards.enumerated() {
      let layout = try layout(of: shard.routes, shard: position)
      var file = try open(
        output.path(of: shard.name), layout, replacesExisting: false, isDurable: isDurable)
      digests += try write(shard.routes, layout, to: &file, completed: done.count)
      done += shard.routes
      try commit(file)
    }
    try check(done, digests)
    if let index = try plan.index() {
      try Self.write(index, to: output.path(of: ShardPlan.indexName), isDurable: isDurable)
    }
    for name in try files.companions() where !changed.contains(where: { $0.name == name }) {
      try files.copy(name, to: output.path(of: name), isDurable: isDurable)
    }
    for case (let name, let bytes?) in changed {
      try Self.write(bytes, to: output.path(of: name), isDurable: isDurable)
    }
    do throws(CoreError) {
      try output.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
    return summary(files: changed.map(\.name))
  }

  /// What is replaced is gone for good, so its successor has to be safe before.
  private func isDurable(_ output: String) -> Bool {
    options.isDurable || Folder.exists(output) || Folder.fileExists(output)
  }

  /// Makes and checks the result without writing it.
  func checkOnly(_ model: String) throws(PatchError) -> ApplySummary {
    let files =
      Folder.exists(model) ? try changedFiles(of: FolderFiles(folder: model)).map(\.name) : []
    try check(routes, try runner.run(routes, of: routes.count))
    return summary(files: files)
  }

  func check(_ routes: [TensorRoute], _ digests: [RouteDigests]) throws(PatchError) {
    try FingerprintLedger(chain: chain, routes: routes, digests: digests)
      .check(checkpoint, runner.workers)
  }

  /// The small files to replace; a wrong checkpoint is reported before a wrong file.
  func changedFiles(
    of files: FolderFiles
  ) throws(PatchError) -> [(name: String, bytes: [UInt8]?)] {
    do throws(PatchError) {
      return try files.results(of: chain, isForced: options.replacesDifferingFiles)
    } catch {
      guard error.code == PatchErrorCode.fileDiffers.rawValue else { throw error }
      let diagnosis = try SourceDiagnosis(
        chain: chain, source: checkpoint, runner.workers)
      throw diagnosis.isSource ? error : diagnosis.error()
    }
  }

  func summary(files: [String]) -> ApplySummary {
    ApplySummary(
      fingerprint: chain.fingerprints[chain.fingerprints.count - 1],
      tensorCount: routes.count { $0.result != nil }, touched: chain.touchedNames, files: files)
  }

  static func write(
    _ bytes: [UInt8], to path: String, isDurable: Bool = true
  ) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path, isDurable: isDurable)
      try file.write(bytes)
      try file.commit()
    }
  }
}

// MARK: Shards

extension PatchJob {
  func layout(
    of routes: [TensorRoute], shard: Int
  ) throws(PatchError) -> SafetensorsLayout {
    try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsLayout(
        routes.compactMap(\.result), metadata: checkpoint.metadata(ofShard: shard))
    }
  }

  func open(
    _ path: String, _ layout: SafetensorsLayout, replacesExisting: Bool, isDurable: Bool = true
  ) throws(PatchError) -> AtomicFile {
    try PatchError.wrap { () throws(CoreError) in
      var file = try AtomicFile(
        path: path, replacesExisting: replacesExisting, isDurable: isDurable)
      try file.write(layout.header)
      return file
    }
  }

  /// Writes the tensors that some routes make, each where the layout has it.
  func write(
    _ routes: [TensorRoute], _ layout: SafetensorsLayout, to file: inout AtomicFile,
    completed: Int
  ) throws(PatchError) -> [RouteDigests] {
    let output = file.positions
    return try runner.run(routes, completed: completed, of: self.routes.count) {
      (route, offset, bytes) throws(PatchError) in
      guard let start = layout.start(of: route.name) else { return }
      try PatchError.wrap { () throws(CoreError) in try output.write(bytes, at: start + offset) }
    }
  }

  func commit(_ file: consuming AtomicFile) throws(PatchError) {
    do throws(CoreError) {
      try file.commit()
    } catch {
      throw PatchError(wrapping: error)
    }
  }
}
