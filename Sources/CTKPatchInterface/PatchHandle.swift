import CTKCore
import CTKPatch
import CTKPatchHeader

/// A patch and the C strings and arrays that describe it.
final class PatchHandle: Sendable {
  let patch: PatchFile
  let baseFingerprint: CText
  let targetFingerprint: CText
  let entries: [EntryText]

  init(_ patch: PatchFile) {
    self.patch = patch
    baseFingerprint = CText(patch.header.baseFingerprint.hex)
    targetFingerprint = CText(patch.header.targetFingerprint.hex)
    entries = patch.header.entries.map(EntryText.init)
  }

  static func of(_ pointer: OpaquePointer?) throws -> PatchHandle {
    guard let pointer else { throw ArgumentError("the patch is NULL") }
    return Unmanaged<PatchHandle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
  }
}

/// A C string that lives as long as its owner.
final class CText: Sendable {
  // Written once, before anyone else sees it.
  nonisolated(unsafe) let pointer: UnsafeMutablePointer<CChar>

  init(_ text: String) {
    let units = text.utf8CString
    pointer = .allocate(capacity: units.count)
    units.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { pointer.initialize(from: start, count: source.count) }
    }
  }

  deinit { pointer.deallocate() }
}

/// What C sees of one side of an entry.
final class LayoutText: Sendable {
  let dtype: CText
  let digest: CText
  let rank: Int
  let byteCount: Int
  // Written once, before anyone else sees it.
  nonisolated(unsafe) let shape: UnsafeMutablePointer<Int64>

  init(_ state: TensorState) {
    dtype = CText(state.info.dtype.rawValue)
    digest = CText(state.digest.hex)
    rank = state.info.shape.count
    byteCount = state.info.byteCount
    shape = .allocate(capacity: max(1, rank))
    shape.initialize(repeating: 0, count: max(1, rank))
    for (axis, extent) in state.info.shape.enumerated() { shape[axis] = Int64(extent) }
  }

  deinit { shape.deallocate() }

  var layout: ctkpatch_layout {
    ctkpatch_layout(
      dtype: dtype.pointer, shape: shape, rank: rank, byte_count: byteCount,
      digest: digest.pointer)
  }
}

/// What C sees of an entry.
final class EntryText: Sendable {
  private let name: CText
  private let kind: CText
  private let original: CText?
  private let sides: [LayoutText?]

  init(_ entry: PatchEntry) {
    name = CText(entry.name)
    kind = CText(entry.kind.rawValue)
    original = entry.original.map(CText.init)
    sides = [entry.before.map(LayoutText.init), entry.after.map(LayoutText.init)]
  }

  func entry(_ source: PatchEntry, in patch: PatchFile) -> ctkpatch_entry {
    ctkpatch_entry(
      name: name.pointer, kind: kind.pointer, original: original.map { UnsafePointer($0.pointer) },
      in_place: patch.changesInPlace(source) ? 1 : 0, changes: UInt64(source.changes),
      sides: (sides[0]?.layout ?? ctkpatch_layout(), sides[1]?.layout ?? ctkpatch_layout()))
  }
}
