public import CTKCore

/// A chain of patches as one.
public enum PatchSquasher {
  /// Writes the patch that does what `patches` do one after the other.
  ///
  /// Differences of changed tensors add up modulo 2^w, tensors
  /// that a patch holds whole are carried through the others' changes, and what
  /// cancels is left out. Peak memory is about the chain's patches of one tensor.
  /// Equal inputs give equal bytes, for one version of zlib.
  ///
  /// - Parameters:
  ///   - patches: in the order in which they are applied.
  ///   - base: what the first patch applies to. Needed when values are coded against
  ///     it, and for tensors that grow or shrink; otherwise it makes the result smaller.
  ///   - tool: program and version, for the provenance.
  /// - Throws: `patch.needs-base`, `patch.chain-broken`, `patch.damaged`, `patch.unsupported`,
  ///   `patch.wrong-result`, `output.*`.
  public static func squash(
    _ patches: [PatchFile], base: (any TensorSource)? = nil,
    options: ExportOptions = ExportOptions(), tool: String? = nil,
    to path: String, replacesExisting: Bool = false, progress: ProgressHandler? = nil
  ) throws(PatchError) -> PatchSummary {
    if !replacesExisting && Folder.fileExists(path) {
      throw PatchError(wrapping: Output.existsError(path))
    }
    for patch in patches { try patch.verifyPayload() }
    let chain = try PatchChain(patches, direction: .apply)
    let names = chain.touchedNames
    var collector = try StreamCollector(beside: path)
    let files = try FileEntry.collect(try files(of: chain), into: &collector)
    let squash = TensorSquash(
      chain: chain, base: base, options: options, spool: collector.spool)
    let drafts = try Workers(threadCount: options.threadCount).map(
      weights: names.map { chain.result(of: $0)?.info.byteCount ?? 0 },
      completed: { completed in
        progress?(
          ProgressEvent(
            stage: "squash", completed: completed, total: names.count, unit: "tensors"))
      },
      { (index) throws(PatchError) in try squash.draft(names[index]) })
    return try collector.write(
      PatchTable(drafts.compactMap { $0 }), from: chain.fingerprints[0],
      to: chain.fingerprints[chain.steps.count], files: files,
      provenance: provenance(of: patches, tool: tool), joinsStreams: options.joinsStreams,
      path: path, replacesExisting: replacesExisting)
  }

  /// Each small file before its first and after its last change, in name order.
  private static func files(of chain: PatchChain) throws(PatchError) -> [ChangedFile] {
    var results: [UTF8Key: ChangedFile] = [:]
    for step in chain.steps {
      for entry in step.patch.header.files {
        let change = try step.patch.contents(of: entry)
        let known = results[UTF8Key(entry.name)]
        if let known, known.after != change.before {
          throw PatchError(
            .chainBroken, "this patch does not continue the one before it in '\(entry.name)'",
            path: step.patch.path, hint: "make the patches again, each from the one before")
        }
        results[UTF8Key(entry.name)] = ChangedFile(
          name: entry.name, before: known.map(\.before) ?? change.before, after: change.after)
      }
    }
    return results.values.sorted { utf8Precedes($0.name, $1.name) }
  }

  /// The last patch's provenance, continuing what the first one continued.
  private static func provenance(of patches: [PatchFile], tool: String?) -> Provenance {
    guard let first = patches.first, let last = patches.last else { return Provenance() }
    var provenance = last.header.provenance
    provenance.parent = first.header.provenance.parent
    provenance.tool = tool ?? provenance.tool
    var parameters = provenance.hyperparameters ?? JSONObject()
    parameters["squashed"] = .array(patches.map { .string($0.digest.hex) })
    provenance.hyperparameters = parameters
    return provenance
  }
}
