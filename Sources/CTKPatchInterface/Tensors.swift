import CTKCore
import CTKPatch
public import CTKPatchHeader

@c @implementation
public func ctkpatch_apply(
  _ patch: OpaquePointer!, _ tensors: UnsafePointer<ctkpatch_tensor>!, _ count: Int,
  _ flags: UInt32, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  transform(patch, .apply, tensors, count, flags, error)
}

@c @implementation
public func ctkpatch_revert(
  _ patch: OpaquePointer!, _ tensors: UnsafePointer<ctkpatch_tensor>!, _ count: Int,
  _ flags: UInt32, _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  transform(patch, .revert, tensors, count, flags, error)
}

private func transform(
  _ patch: OpaquePointer?, _ direction: PatchDirection,
  _ tensors: UnsafePointer<ctkpatch_tensor>?, _ count: Int, _ flags: UInt32,
  _ error: UnsafeMutablePointer<ctkpatch_error>?
) -> Int32 {
  reporting(error) {
    let handle = try PatchHandle.of(patch)
    var patching = MemoryPatching(handle.patch, direction)
    patching.checksSource = try !isSet(CTKPATCH_SKIP_SOURCE_DIGESTS, in: flags)
    patching.checksResult = try !isSet(CTKPATCH_SKIP_RESULT_DIGESTS, in: flags)
    try patching.run(try memory(tensors, count))
  }.status
}

@c @implementation
public func ctkpatch_make(
  _ patch: OpaquePointer!, _ index: Int, _ side: Int32, _ source: UnsafeRawPointer!,
  _ source_byte_count: Int, _ data: UnsafeMutableRawPointer!, _ byte_count: Int,
  _ error: UnsafeMutablePointer<ctkpatch_error>!
) -> Int32 {
  reporting(error) {
    let handle = try PatchHandle.of(patch)
    let entry = handle.patch.header.entries[try position(index, in: handle)]
    let isAfter = side == Int32(CTKPATCH_AFTER)
    guard isAfter || side == Int32(CTKPATCH_BEFORE) else { throw ArgumentError("side \(side)") }
    guard let state = isAfter ? entry.after : entry.before else {
      throw ArgumentError("tensor '\(entry.name)' does not exist on that side")
    }
    guard state.info.byteCount == byte_count, data != nil || byte_count == 0 else {
      throw ArgumentError(
        "tensor '\(entry.name)' has \(state.info.byteCount) bytes, not \(byte_count)")
    }
    guard source != nil || source_byte_count == 0 else { throw ArgumentError("source is NULL") }
    try handle.patch.make(
      entry, side: isAfter ? .after : .before,
      source: UnsafeRawBufferPointer(start: source, count: source_byte_count),
      into: UnsafeMutableRawBufferPointer(start: data, count: byte_count))
  }.status
}

/// Whether a flag is set, among flags that are all known.
func isSet(_ flag: some BinaryInteger, in flags: UInt32) throws -> Bool {
  let known = UInt32(CTKPATCH_SKIP_SOURCE_DIGESTS | CTKPATCH_SKIP_RESULT_DIGESTS)
  guard flags & ~known == 0 else { throw ArgumentError("unknown flags \(flags)") }
  return flags & UInt32(flag) != 0
}

/// The tensors of a C array, with layouts that agree with their byte counts.
func memory(
  _ tensors: UnsafePointer<ctkpatch_tensor>?, _ count: Int
) throws -> [MemoryTensor] {
  guard count == 0 || tensors != nil else { throw ArgumentError("the tensors are NULL") }
  return try UnsafeBufferPointer(start: tensors, count: count).map { tensor in
    let name = try text(tensor.name, "a tensor's name")
    let dtypeName = try text(tensor.dtype, "the dtype of '\(name)'")
    guard let dtype = DType(rawValue: dtypeName) else {
      throw ArgumentError("tensor '\(name)' has the unknown dtype '\(dtypeName)'")
    }
    guard tensor.rank == 0 || tensor.shape != nil else {
      throw ArgumentError("the shape of '\(name)' is NULL")
    }
    let shape = try UnsafeBufferPointer(start: tensor.shape, count: tensor.rank).map { extent in
      guard let extent = Int(exactly: extent), extent >= 0 else {
        throw ArgumentError("tensor '\(name)' has the extent \(extent)")
      }
      return extent
    }
    let info = try TensorInfo(name: name, dtype: dtype, shape: shape)
    guard info.byteCount == tensor.byte_count, tensor.data != nil || tensor.byte_count == 0 else {
      throw ArgumentError(
        "tensor '\(name)' needs \(info.byteCount) bytes, \(tensor.byte_count) were given")
    }
    return MemoryTensor(
      info, UnsafeMutableRawBufferPointer(start: tensor.data, count: tensor.byte_count))
  }
}
