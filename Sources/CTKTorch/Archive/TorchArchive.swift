import CTKCore

/// The members of a file that torch.save wrote.
///
/// All lie in one folder, whose name is the file's at the time it was written.
struct TorchArchive {
  let pickle: [UInt8]
  /// Members `data/<key>` by key.
  let storages: [String: ZipEntry]
  let isBigEndian: Bool

  /// - Throws: the `zip.*` codes, `torch.not-torch`, `torch.legacy-format`, `torch.torchscript`,
  ///   `torch.archive-invalid`, `torch.version-unsupported`, `torch.limit-exceeded`,
  ///   `torch.checksum-mismatch`.
  init(file: UnsafeRawBufferPointer) throws(TorchError) {
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file: file)
    } catch {
      throw FileRecognition.error(for: file, error)
    }
    let folder = try Self.folder(of: archive)
    try Self.refuseTorchScript(archive, folder)
    guard let entry = archive.entry(named: folder + "data.pkl") else {
      throw TorchError(.archiveInvalid, "the archive has no data.pkl")
    }
    try Self.checkVersion(archive.entry(named: folder + "version"), file)
    pickle = try MemberBytes.read(entry, of: file, limit: TorchLimits.pickleByteCount)
    isBigEndian = try Self.isBigEndian(archive.entry(named: folder + "byteorder"), file)
    let prefix = folder + "data/"
    var storages: [String: ZipEntry] = [:]
    for entry in archive.entries where entry.name.hasPrefix(prefix) && !entry.isFolder {
      storages[String(entry.name.dropFirst(prefix.count))] = entry
    }
    self.storages = storages
  }

  /// The folder of the only data.pkl, with its slash.
  private static func folder(of archive: ZipArchive) throws(TorchError) -> String {
    let pickles = archive.entries.filter { $0.name.split(separator: "/").last == "data.pkl" }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw TorchError(
        .archiveInvalid, "the archive has \(pickles.count) members named data.pkl, not one",
        hint: pickles.isEmpty ? "name a file that torch.save wrote" : nil)
    }
    let parts = pickle.name.split(separator: "/")
    guard parts.count == 2 else {
      throw TorchError(
        .archiveInvalid, "'\(pickle.name)' does not lie in the archive's only folder")
    }
    let folder = parts[0] + "/"
    if let stray = archive.entries.first(where: { !$0.name.hasPrefix(folder) }) {
      throw TorchError(.archiveInvalid, "member '\(stray.name)' lies outside '\(folder)'")
    }
    return String(folder)
  }

  private static func refuseTorchScript(
    _ archive: ZipArchive, _ folder: String
  ) throws(TorchError) {
    let isScript = archive.entries.contains { entry in
      entry.name == folder + "constants.pkl" || entry.name.hasPrefix(folder + "code/")
    }
    if isScript {
      throw TorchError(
        .torchScript, "this is a TorchScript archive: a program, not a state dict",
        hint: "save the weights where torch is installed: "
          + "torch.save(torch.jit.load('model.pt').state_dict(), 'weights.pt')")
    }
  }

  private static func checkVersion(
    _ entry: ZipEntry?, _ file: UnsafeRawBufferPointer
  ) throws(TorchError) {
    guard let entry else { return }
    let text = try shortText(entry, file)
    guard let version = Int(text), (1...TorchLimits.archiveVersion).contains(version) else {
      throw TorchError(
        .versionUnsupported,
        "the archive has version '\(text)', known are 1 to "
          + "\(TorchLimits.archiveVersion)")
    }
  }

  private static func isBigEndian(
    _ entry: ZipEntry?, _ file: UnsafeRawBufferPointer
  ) throws(TorchError) -> Bool {
    guard let entry else { return false }
    switch try shortText(entry, file) {
    case "little": return false
    case "big": return true
    case let text:
      throw TorchError(.archiveInvalid, "the byte order '\(text)' is neither little nor big")
    }
  }

  private static func shortText(
    _ entry: ZipEntry, _ file: UnsafeRawBufferPointer
  ) throws(TorchError) -> String {
    let bytes = try MemberBytes.read(entry, of: file, limit: 64)
    return String(
      decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...],
      as: UTF8.self)
  }
}
