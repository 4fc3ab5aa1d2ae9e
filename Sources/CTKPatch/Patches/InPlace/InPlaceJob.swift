import CTKCore
import CTKSafetensors

/// One change of a model where it lies (`formats/journal.md`).
///
/// Weights files whose layout stays are changed by words, the others are written
/// beside and exchanged; all of it takes effect with one journal.
struct InPlaceJob {
  let job: PatchJob
  /// How each shard is changed.
  private let shards: [Shard]
  private let changedFiles: [(name: String, bytes: [UInt8]?)]
  private let index: [UInt8]?

  private struct Shard {
    let name: String
    let routes: [TensorRoute]
    let way: Way
  }

  private enum Way {
    /// The number of the file in the journal; nil when nothing is to be written.
    case words(Int?)
    case staged
  }

  init(_ job: PatchJob, on model: borrowing InPlaceModel) throws(PatchError) {
    self.job = job
    changedFiles =
      model.isFolder ? try job.changedFiles(of: FolderFiles(folder: model.folder)) : []
    let plan = ShardPlan(checkpoint: job.checkpoint, routes: job.routes)
    index = plan.isIndexKept ? nil : try plan.index()
    var shards: [Shard] = []
    var wordFiles = 0
    for shard in plan.shards {
      let touched = shard.routes.filter(\.isTouched)
      var way = Way.staged
      if touched.isEmpty {
        way = .words(nil)
      } else if touched.allSatisfy({ $0.source == $0.result }) && !model.isShared(shard.name) {
        way = .words(wordFiles)
        wordFiles += 1
      }
      shards.append(Shard(name: shard.name, routes: shard.routes, way: way))
    }
    self.shards = shards
  }

  /// Makes and checks the result, writes the journal and carries it out.
  ///
  /// - Throws: the codes of applying; the model is then as it was, unless the
  ///   journal took effect before, and then any later command finishes the change.
  func run(on model: borrowing InPlaceModel) throws(PatchError) -> ApplySummary {
    model.removeLeftovers()
    do throws(PatchError) {
      let journal = try JournalWriter(path: model.journalPath, description(model))
      model.onStep()
      try stage(model, journal)
      model.onStep()
      try journal.commit()
      model.onStep()
    } catch {
      if !model.hasJournal { model.removeLeftovers() }
      throw error
    }
    try model.finishChange()
    return job.summary(files: changedFiles.map(\.name))
  }

  private func description(
    _ model: borrowing InPlaceModel
  ) throws(PatchError) -> Journal.Description {
    var (files, replaced): ([Journal.File], [String]) = ([], [])
    for shard in shards {
      switch shard.way {
      case .words(nil): continue
      case .words:
        let path = model.filePath(shard.name)
        let byteCount = try PatchError.wrap { () throws(CoreError) in
          try MappedFile(path: path).byteCount
        }
        files.append(Journal.File(name: shard.name, byteCount: byteCount))
      case .staged: replaced.append(shard.name)
      }
    }
    if index != nil { replaced.append(ShardPlan.indexName) }
    replaced += changedFiles.filter { $0.bytes != nil }.map(\.name)
    return Journal.Description(
      steps: job.chain.steps.map { ($0.patch.digest, $0.direction == .revert) },
      source: job.chain.fingerprints[0],
      result: job.chain.fingerprints[job.chain.fingerprints.count - 1], files: files,
      replaced: replaced, removed: changedFiles.filter { $0.bytes == nil }.map(\.name))
  }

  /// Does everything that leaves the model as it is.
  private func stage(
    _ model: borrowing InPlaceModel, _ journal: JournalWriter
  ) throws(PatchError) {
    var (done, digests): ([TensorRoute], [RouteDigests]) = ([], [])
    for (position, shard) in shards.enumerated() {
      switch shard.way {
      case .words(let file):
        digests += try record(shard.routes, file, journal, completed: done.count)
      case .staged:
        let layout = try job.layout(of: shard.routes, shard: position)
        var file = try job.open(
          model.stagedPath(shard.name), layout, replacesExisting: true)
        digests += try job.write(shard.routes, layout, to: &file, completed: done.count)
        try job.commit(file)
      }
      done += shard.routes
      model.onStep()
    }
    try job.check(done, digests)
    if let index { try PatchJob.write(index, to: model.stagedPath(ShardPlan.indexName)) }
    for case (let name, let bytes?) in changedFiles {
      try PatchJob.write(bytes, to: model.stagedPath(name))
      model.onStep()
    }
  }

  /// Makes the tensors of a shard and writes what changes to the journal.
  private func record(
    _ routes: [TensorRoute], _ file: Int?, _ journal: JournalWriter, completed: Int
  ) throws(PatchError) -> [RouteDigests] {
    let checkpoint = job.checkpoint
    return try job.runner.run(routes, completed: completed, of: job.routes.count) {
      (route, offset, bytes) throws(PatchError) in
      guard let file, route.isTouched, let info = route.result,
        let start = checkpoint.byteRange(of: route.name)?.lowerBound
      else { return }
      try checkpoint.lend(route.name) { (old) throws(PatchError) in
        for part in Tiles.ranges(of: 0..<bytes.count) {
          let place = offset + part.lowerBound..<offset + part.upperBound
          var records: [UInt8] = []
          RedoRecord.append(
            to: &records, file: file, start: start + place.lowerBound,
            old: UnsafeRawBufferPointer(rebasing: old[place]),
            new: UnsafeRawBufferPointer(rebasing: bytes[part]), unit: CodingUnit(info.dtype))
          checkpoint.discard(route.name, place)
          try journal.append(records)
        }
      }
    }
  }
}

// MARK: Recovery

extension InPlaceModel {
  /// Carries out the journal and removes it.
  ///
  /// - Returns: what the change was.
  @discardableResult
  borrowing func finishChange(
    checking workers: Workers? = nil
  ) throws(PatchError) -> Journal.Description {
    let replay = try JournalReplay(path: journalPath)
    try replay.run(on: self)
    if let workers { try check(replay.description, workers) }
    onStep()
    try PatchError.wrap { () throws(CoreError) in try Output.remove(journalPath) }
    return replay.description
  }

  /// Checks the whole model against what the journal leads to.
  private func check(
    _ description: Journal.Description, _ workers: Workers
  ) throws(PatchError) {
    let checkpoint = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsCheckpoint(path: path, allowsUnfinishedChange: true)
    }
    let found = Fingerprint.checkpoint(try checkpoint.tensorDigests(workers))
    guard found == description.result else {
      throw PatchError(
        .wrongResult,
        "the unfinished change was completed, but the fingerprint is \(found), expected "
          + "\(description.result)", path: path,
        hint: "the model was changed meanwhile; restore it from an intact copy")
    }
  }
}
