public import CTKCore

/// What a patch holds and costs.
public struct PatchReport: Sendable {
  /// One touched tensor.
  public struct Row: Sendable {
    public let entry: PatchEntry
    /// Units of the tensor, of the target's where it has one.
    public let unitCount: Int
    public let indexByteCount: Int
    public let valueByteCount: Int

    /// Least bits to tell the changed units, if each were as likely as another.
    public var boundBits: Double {
      Entropy.subsetBits(selected: entry.changes, of: unitCount)
    }
  }

  public let digest: Digest
  public let header: PatchHeader
  /// Bytes of the whole file.
  public let byteCount: Int
  public let rows: [Row]

  /// Units whose bits differ in tensors that both checkpoints have.
  public var changes: Int { rows.reduce(0) { $0 + $1.entry.changes } }
}

/// Reader of a patch's statistics, from its structure alone.
public enum PatchInspector {
  /// - Throws: as `PatchFile`, and `patch.damaged` for a stream whose structure is wrong.
  public static func inspect(_ patch: PatchFile) throws(PatchError) -> PatchReport {
    var rows: [PatchReport.Row] = []
    for entry in patch.header.entries {
      let sizes = try patch.measure(entry)
      rows.append(
        PatchReport.Row(
          entry: entry, unitCount: (entry.after ?? entry.before)?.info.unitCount ?? 0,
          indexByteCount: sizes.index, valueByteCount: sizes.values))
    }
    return PatchReport(
      digest: patch.digest, header: patch.header, byteCount: try patch.byteCount, rows: rows)
  }
}

// MARK: JSON

extension PatchReport {
  /// The members that `ctk inspect --json` prints for a patch.
  ///
  /// Bits are per changed weight, and 0 when none changed. `index_bits` and
  /// `value_bits` count the tensors with changes in place, `total_bits` the whole file.
  /// `bound_bits` is the order-0 entropy of each tensor's positions.
  public var json: JSONObject {
    let changed = rows.filter { $0.entry.hasSharedUnits }
    var object = JSONObject([
      "kind": "patch",
      "digest": .string(digest.hex),
      "bytes": .integer(byteCount),
      "changed": .integer(changes),
      "index_bits": perChange(8 * Double(changed.reduce(0) { $0 + $1.indexByteCount })),
      "value_bits": perChange(8 * Double(changed.reduce(0) { $0 + $1.valueByteCount })),
      "total_bits": perChange(8 * Double(byteCount)),
      "bound_bits": perChange(changed.reduce(0) { $0 + $1.boundBits }),
      "bound": "order-0 entropy of the positions, per tensor",
      "base_fingerprint": .string(header.baseFingerprint.hex),
      "target_fingerprint": .string(header.targetFingerprint.hex),
      "provenance": header.provenance.json,
    ])
    object["mask_digest"] = header.maskDigest.map { .string($0.hex) }
    object["rounding"] = header.rounding.map { .object($0.json) }
    object["tensors"] = .array(rows.map { .object($0.json) })
    object["files"] = .array(header.files.map { .string($0.name) })
    return object
  }

  private func perChange(_ bits: Double) -> JSONValue {
    .real(changes == 0 ? 0 : bits / Double(changes))
  }
}

extension PatchReport.Row {
  fileprivate var json: JSONObject {
    var object = JSONObject([
      "name": .string(entry.name),
      "kind": .string(entry.kind.rawValue),
      "codec": .string(entry.codec.rawValue),
      "changed": .integer(entry.changes),
      "units": .integer(unitCount),
      "bytes": .integer(indexByteCount + valueByteCount),
    ])
    if let info = (entry.after ?? entry.before)?.info {
      object["dtype"] = .string(info.dtype.rawValue)
      object["shape"] = .array(info.shape.map { .integer($0) })
    }
    object["before"] = entry.before.map { .string($0.digest.hex) }
    object["after"] = entry.after.map { .string($0.digest.hex) }
    if entry.changes > 0 {
      let changes = Double(entry.changes)
      object["density"] = .real(changes / Double(unitCount))
      object["index_bits"] = .real(8 * Double(indexByteCount) / changes)
      object["value_bits"] = .real(8 * Double(valueByteCount) / changes)
      object["bound_bits"] = .real(boundBits / changes)
    }
    return object
  }
}
