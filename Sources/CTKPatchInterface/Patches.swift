import CTKCore
import CTKPatch
public import CTKPatchHeader

@c @implementation
public func ctkpatch_interface_version() -> Int32 { CTKPATCH_INTERFACE_VERSION }

@c @implementation
public func ctkpatch_open(
  _ path: UnsafePointer<CChar>!, _ masks: UnsafePointer<UnsafePointer<CChar>?>!,
  _ mask_count: Int, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> OpaquePointer! {
  reporting(error) {
    let path = try text(path, "the path")
    var opened: [ParameterMask] = []
    for index in 0..<mask_count {
      guard let masks else { throw ArgumentError("the masks are NULL") }
      opened.append(try ParameterMask(path: try text(masks[index], "a mask's path")))
    }
    let handle = PatchHandle(try PatchFile(path: path, masks: opened))
    return OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
  }.result
}

@c @implementation
public func ctkpatch_close(_ patch: OpaquePointer!) {
  guard let patch else { return }
  Unmanaged<PatchHandle>.fromOpaque(UnsafeRawPointer(patch)).release()
}

@c @implementation
public func ctkpatch_verify(
  _ patch: OpaquePointer!, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  reporting(error) { _ = try PatchVerifier.verify(try PatchHandle.of(patch).patch) }.status
}

@c @implementation
public func ctkpatch_base_fingerprint(_ patch: OpaquePointer!) -> UnsafePointer<CChar>! {
  (try? PatchHandle.of(patch)).map { UnsafePointer($0.baseFingerprint.pointer) }
}

@c @implementation
public func ctkpatch_target_fingerprint(_ patch: OpaquePointer!) -> UnsafePointer<CChar>! {
  (try? PatchHandle.of(patch)).map { UnsafePointer($0.targetFingerprint.pointer) }
}

@c @implementation
public func ctkpatch_entry_count(_ patch: OpaquePointer!) -> Int {
  (try? PatchHandle.of(patch))?.entries.count ?? 0
}

@c @implementation
public func ctkpatch_entry_at(
  _ patch: OpaquePointer!, _ index: Int, _ entry: UnsafeMutablePointer<ctkpatch_entry>!,
  _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  reporting(error) {
    let handle = try PatchHandle.of(patch)
    guard let entry else { throw ArgumentError("the entry is NULL") }
    entry.pointee = handle.entries[try position(index, in: handle)].entry(
      handle.patch.header.entries[index], in: handle.patch)
  }.status
}

/// An index that is that of an entry.
func position(_ index: Int, in handle: PatchHandle) throws -> Int {
  guard handle.entries.indices.contains(index) else {
    throw ArgumentError("there is no entry \(index); there are \(handle.entries.count)")
  }
  return index
}

func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws -> String {
  guard let pointer, let text = String(validatingCString: pointer) else {
    throw ArgumentError("\(what) is NULL or not UTF-8")
  }
  return text
}
