public import CTKCore
import CTKSafetensors

/// A mask together with the file that holds it, which can be written again as it is.
public struct MaskFile: Sendable {
  public let mask: ParameterMask
  private let bytes: [UInt8]

  /// - Throws: as `ParameterMask(path:)`.
  public init(path: String) throws(PatchError) {
    let container = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsFile(path: path)
    }
    mask = try ParameterMask(container)
    bytes = container.withFileBytes { Array($0) }
  }

  /// Writes the file's bytes.
  ///
  /// - Throws: `output.*`.
  public func write(to path: String) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: path)
      try file.write(bytes)
      try file.commit()
    }
  }
}
