import CTKCore
import CTKSafetensors

extension TensorSource {
  /// Lends a tensor's bytes with the module's own errors.
  func lend<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    do {
      return try withTensorBytes(name) { try body($0) }
    } catch {
      throw PatchError(sourceError: error)
    }
  }

  /// Gives back the memory of a mapped tensor that was read.
  func release(_ name: String) {
    switch self {
    case let file as SafetensorsFile: file.discard(name)
    case let checkpoint as SafetensorsCheckpoint: checkpoint.discard(name)
    default: break
    }
  }

  /// The digest of every tensor, with the memory given back along the way.
  func tensorDigests() throws(PatchError) -> [(name: String, digest: Digest)] {
    var digests: [(name: String, digest: Digest)] = []
    for info in tensors {
      let digest = try lend(info.name) { (bytes) throws(PatchError) in
        Fingerprint.tensor(info, bytes: bytes)
      }
      digests.append((info.name, digest))
      release(info.name)
    }
    return digests
  }
}
