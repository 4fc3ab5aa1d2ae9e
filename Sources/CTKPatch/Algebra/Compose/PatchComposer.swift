public import CTKCore

/// Choices in composing patches.
public struct ComposeOptions: Sendable {
  public var policy: ComposePolicy
  public var heads: HeadPolicy
  public var export: ExportOptions

  /// - Parameter heads: nil for what fits the policy: its own side for `first`
  ///   and `last`, `error` otherwise.
  public init(
    policy: ComposePolicy, heads: HeadPolicy? = nil, export: ExportOptions = ExportOptions()
  ) {
    self.policy = policy
    self.heads = heads ?? (policy == .first ? .first : policy == .last ? .last : .error)
    self.export = export
  }
}

/// What a composition made.
public struct ComposeSummary: Sendable {
  public let patch: PatchSummary
  /// How the patches meet in every tensor that more than one of them touches.
  public let conflicts: [TensorConflict]
}

/// Patches over one base as one patch.
public enum PatchComposer {
  /// Writes the patch that turns `base` into the base with all `patches` on it.
  ///
  /// A unit that one patch changes becomes what that patch says, bit for bit. For
  /// units that several change see `ComposePolicy`. Patches that are disjoint give
  /// the same under every policy. With a commutative policy equal sets of patches
  /// give equal bytes, whatever their order, for one version of zlib.
  ///
  /// - Throws: `compose.base-differs`, `compose.overlap`, `compose.conflict`,
  ///   `compose.not-numeric`, `compose.not-finite`, `patch.wrong-base`,
  ///   `patch.damaged`, `output.*`, and the codes of the base.
  public static func compose(
    base: any TensorSource, patches: [PatchFile], options: ComposeOptions, tool: String? = nil,
    to path: String, replacesExisting: Bool = false, progress: ProgressHandler? = nil
  ) throws(PatchError) -> ComposeSummary {
    let fingerprint = try commonBase(of: patches)
    for patch in patches { try patch.verifyPayload() }
    let source = ComposedSource(
      base: base, patches: patches, policy: options.policy,
      plan: try CompositionPlan(patches, heads: options.heads))
    var export = options.export
    export.expectedBase = fingerprint
    let summary = try PatchExporter.export(
      base: base, tuned: source, files: try ComposedFiles(patches, options.heads).files,
      provenance: provenance(of: patches, options, tool: tool), options: export, to: path,
      replacesExisting: replacesExisting, progress: progress)
    return ComposeSummary(patch: summary, conflicts: source.report)
  }

  private static func commonBase(of patches: [PatchFile]) throws(PatchError) -> Digest {
    precondition(!patches.isEmpty, "a composition has at least one patch")
    let expected = patches[0].header.baseFingerprint
    for patch in patches where patch.header.baseFingerprint != expected {
      throw PatchError(
        .composeBaseDiffers,
        "this patch is for base \(patch.header.baseFingerprint), but the first is for \(expected)",
        path: patch.path, hint: "compose patches of one base, or squash a chain")
    }
    return expected
  }

  private static func provenance(
    of patches: [PatchFile], _ options: ComposeOptions, tool: String?
  ) -> Provenance {
    let ordered =
      options.policy.isCommutative && options.heads == .error
      ? patches.sorted { utf8Precedes($0.digest.hex, $1.digest.hex) } : patches
    let parts = ordered.map { patch -> JSONValue in
      var part = JSONObject(["patch": .string(patch.digest.hex)])
      part["task"] = patch.header.provenance.task.map { .string($0) }
      return .object(part)
    }
    let licenses = Set(patches.compactMap(\.header.provenance.baseLicense))
    return Provenance(
      method: "compose",
      hyperparameters: JSONObject([
        "composed": .array(parts), "heads": .string(options.heads.rawValue),
        "policy": .string(options.policy.rawValue),
      ]),
      baseLicense: licenses.count == 1 ? licenses.first : nil, tool: tool)
  }
}

/// The small files of a composition.
private struct ComposedFiles {
  private(set) var files: [ChangedFile] = []

  /// - Throws: `compose.conflict`, `patch.damaged`.
  init(_ patches: [PatchFile], _ heads: HeadPolicy) throws(PatchError) {
    var found: [UTF8Key: ChangedFile] = [:]
    for patch in patches {
      for entry in patch.header.files {
        let change = try patch.contents(of: entry)
        guard let known = found[UTF8Key(entry.name)] else {
          found[UTF8Key(entry.name)] = change
          continue
        }
        let isSame = known.before == change.before && known.after == change.after
        if isSame || heads == .first || heads == .rename { continue }
        guard heads == .last else {
          throw PatchError(
            .composeConflict, "the patches change the file '\(entry.name)' in different ways",
            path: patch.path, hint: "settle it with --heads first, last or rename")
        }
        found[UTF8Key(entry.name)] = change
      }
    }
    files = found.values.sorted { utf8Precedes($0.name, $1.name) }
  }
}
