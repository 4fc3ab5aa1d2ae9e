import CTKCore
import CTKPatch
import CTKSafetensors

/// What a file is, by its first bytes and its metadata.
enum FileKind {
  case checkpoint
  case patch
  case mask
  case hdf5

  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  static func of(_ path: String) throws -> FileKind {
    if Folder.exists(path) { return .checkpoint }
    let isHDF5 = try MappedFile(path: path).withBytes { $0.starts(with: hdf5Signature) }
    if isHDF5 { return .hdf5 }
    if path.hasSuffix(".json") { return .checkpoint }
    switch try SafetensorsFile(path: path).metadata["format"] {
    case PatchFormat.name: return .patch
    case MaskFormat.name: return .mask
    default: return .checkpoint
    }
  }
}
