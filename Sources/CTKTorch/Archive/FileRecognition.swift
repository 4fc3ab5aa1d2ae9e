import CTKCore

/// What a file that is no zip archive seems to be.
enum FileRecognition {
  /// The pickled number that begins files of torch before 1.6: protocol 2, LONG1.
  private static let legacyMagic: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]
  private static let pointerText = "version https://git-lfs"
  private static let zipSignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
  private static let tarMarkOffset = 257
  private static let convertHint =
    "convert it where torch is installed: "
    + "torch.save(torch.load('old.bin', map_location='cpu', weights_only=True), 'new.bin')"

  /// Whether a file is a torch file of some form, readable or not.
  static func isTorch(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: zipSignature) || isLegacy(bytes)
  }

  /// The error for a file that `ZipArchive` refused.
  static func error(
    for bytes: UnsafeRawBufferPointer, _ refusal: ArchiveError
  ) -> TorchError {
    if isLegacy(bytes) {
      return TorchError(
        .legacyFormat, "this is the form that torch wrote before version 1.6, not a zip archive",
        hint: convertHint)
    }
    if bytes.starts(with: pointerText.utf8) {
      return TorchError(
        .notTorch, "this is a Git LFS pointer, not the file it points to",
        hint: "fetch the file itself: git lfs pull")
    }
    if bytes.drop(while: isSpace).first == UInt8(ascii: "<") {
      return TorchError(
        .notTorch, "this is a web page, not a PyTorch file", hint: "download the file again")
    }
    if refusal.code == ArchiveErrorCode.notZip.rawValue && !bytes.starts(with: zipSignature) {
      return TorchError(
        .notTorch, "this is not a PyTorch file, which is a zip archive",
        hint: "name a file that torch.save wrote")
    }
    return TorchError(wrapping: refusal)
  }

  /// A pickled magic number, or the tar archive of the very first versions.
  private static func isLegacy(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: legacyMagic)
      || bytes.dropFirst(min(tarMarkOffset, bytes.count)).starts(with: "ustar".utf8)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
  }
}
