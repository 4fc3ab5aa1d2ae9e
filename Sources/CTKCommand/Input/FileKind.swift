import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKSafetensors

/// What a file is, by its first bytes and its metadata.
enum FileKind {
  case checkpoint
  case patch
  case mask

  static func of(_ path: String) throws -> FileKind {
    if try Folder.exists(path) || path.hasSuffix(".json") || SourceTensors.isForeign(path) {
      return .checkpoint
    }
    switch try SafetensorsFile(path: path).metadata["format"] {
    case PatchFormat.name: return .patch
    case MaskFormat.name: return .mask
    default: return .checkpoint
    }
  }
}
