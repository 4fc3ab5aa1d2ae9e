import CTKCore
import CTKHDF5
import CTKSafetensors
import CTKTensorBundle
import CTKTestSupport
import CTKTorch

extension FuzzTarget {
  public static let all: [FuzzTarget] = [
    zip, pickle, table, messages, safetensors, hdf5, tokenizer, sentencePiece,
    sentencePieceMerges,
  ]

  /// Records of the archive; the pickle and the storages stay.
  public static let zip = FuzzTarget(
    name: "zip",
    make: { generator in
      let seed = torchFiles.randomElement(using: &generator)
      var bytes = seed?.bytes ?? []
      // The directory is at the end, local headers are between the members.
      let tail = max(0, bytes.count - 1024)..<bytes.count
      let isTail = Int.random(in: 0..<4, using: &generator) > 0
      Mutation().apply(to: &bytes, in: isTail ? tail : nil, using: &generator)
      return bytes
    }, fileName: "case.pt", read: readTorch)

  /// The pickle of an archive that is sound otherwise.
  public static let pickle = FuzzTarget(
    name: "pickle",
    make: { generator in
      guard var archive = torchFiles.randomElement(using: &generator)?.archive else { return [] }
      for index in archive.members.indices where archive.members[index].name.hasSuffix("data.pkl") {
        var bytes = archive.members[index].bytes
        Mutation(tokens: pickleTokens).apply(to: &bytes, using: &generator)
        archive.members[index] = RawZip.Member(archive.members[index].name, bytes)
      }
      return archive.bytes
    }, fileName: "case.pt", read: readTorch)

  /// A table's file, or its block of entries under a sound checksum.
  public static let table = FuzzTarget(
    name: "table",
    make: { generator in
      let table = RawTable(entries: bundleEntries)
      if Bool.random(using: &generator) {
        var bytes = table.bytes
        Mutation().apply(to: &bytes, using: &generator)
        return bytes
      }
      return table.bytes { Mutation().apply(to: &$0, using: &generator) }
    }, fileName: "case.index", read: readBundle)

  /// The messages of a sound table.
  public static let messages = FuzzTarget(
    name: "messages",
    make: { generator in
      var entries = bundleEntries
      let index = Int.random(in: entries.indices, using: &generator)
      Mutation().apply(to: &entries[index].value, using: &generator)
      return RawTable(entries: entries).bytes
    }, fileName: "case.index", read: readBundle)

  /// A header under a sound length, or the whole file.
  public static let safetensors = FuzzTarget(
    name: "safetensors",
    make: { generator in
      var bytes =
        files("checkpoints/malformed/safetensors", suffix: ".safetensors")
        .randomElement(using: &generator) ?? []
      guard bytes.count > 8, Int.random(in: 0..<4, using: &generator) > 0 else {
        Mutation().apply(to: &bytes, using: &generator)
        return bytes
      }
      let length = min(Int(bytes[0]) | Int(bytes[1]) << 8, bytes.count - 8)
      var header = Array(bytes[8..<8 + length])
      Mutation(tokens: headerTokens).apply(to: &header, using: &generator)
      return RawZip.little(header.count, 8) + header + bytes[(8 + length)...]
    }, fileName: "case.safetensors",
    read: { path in
      let file = try SafetensorsFile(path: path)
      for info in file.tensors { try file.withTensorBytes(info.name, touch) }
    })

  /// Structures of a file, values and name attributes.
  public static let hdf5 = FuzzTarget(
    name: "hdf5",
    make: { generator in
      var bytes = hdf5Files.randomElement(using: &generator) ?? []
      Mutation().apply(to: &bytes, in: 0..<min(bytes.count, 16_384), using: &generator)
      return bytes
    }, fileName: "case.h5",
    read: { path in
      let file = try HDF5File(path: path)
      for info in file.tensors { try file.withTensorBytes(info.name, touch) }
      for group in ["", "g", "bert"] {
        _ = try file.stringListAttribute("layer_names", of: group)
        _ = try file.stringListAttribute("weight_names", of: group)
      }
    })
}

// MARK: Reading

/// Reads every byte, so that one outside the file would be noticed.
@Sendable private func touch(_ bytes: UnsafeRawBufferPointer) {
  withExtendedLifetime(bytes.reduce(UInt8(0), ^)) {}
}

@Sendable private func readTorch(_ path: String) throws {
  let file = try TorchFile(path: path)
  for info in file.tensors { try file.withTensorBytes(info.name, touch) }
}

@Sendable private func readBundle(_ path: String) throws {
  let data = path.replacing(".index", with: ".data-00000-of-00001")
  if !Folder.fileExists(data) {
    var file = try AtomicFile(path: data)
    try file.write([UInt8](repeating: 1, count: bundleByteCount))
    try file.commit()
  }
  let bundle = try TensorBundle(path: path)
  for info in bundle.tensors { try bundle.withTensorBytes(info.name, touch) }
}

// MARK: Seeds

/// A sound file of torch and its members.
private struct TorchSeed: Sendable {
  let bytes: [UInt8]
  let archive: RawZip

  init?(_ bytes: [UInt8]) {
    let span = bytes.span
    guard
      let archive = span.withUnsafeBytes({ (bytes) -> ZipArchive? in
        try? ZipArchive(file: bytes)
      })
    else { return nil }
    self.bytes = bytes
    self.archive = RawZip(
      archive.entries.map { RawZip.Member($0.name, Array(bytes[$0.range])) })
  }
}

private func files(_ folder: String, suffix: String) -> [[UInt8]] {
  let path = Fixtures.path(folder)
  let names = (try? Folder.names(in: path)) ?? []
  return names.filter { $0.hasSuffix(suffix) }.compactMap { try? readSmallFile(path + "/" + $0) }
}

private let torchFiles: [TorchSeed] = files("torch", suffix: ".pt").compactMap { TorchSeed($0) }

private let hdf5Files: [[UInt8]] =
  files("checkpoints/malformed/hdf5", suffix: ".h5").filter { $0.count < 65_536 }

private let pickleTokens: [[UInt8]] =
  [
    Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8), Array("ctorch\nFloatStorage\n".utf8),
    Array("ccollections\nOrderedDict\n".utf8),
    Array("cos\nsystem\n".utf8), Array("X\u{1}\0\0\0w".utf8), [0x28], [0x2E], [0x51], [0x52],
    [0x62], [0x68, 0], [0x71, 0], [0x73], [0x74], [0x75], [0x85], [0x86], [0x87], [0x93], [0x94],
    [0x29], [0x5D], [0x7D], [0x61], [0x65],
    [0x8A, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
  ]

private let headerTokens: [[UInt8]] = [
  "{", "}", "[", "]", ",", ":", "\"", "\\u0000", "\\ud800", "-1", "1e9", "18446744073709551615",
  "\"F32\"", "\"F4\"", "\"shape\":", "null", "__metadata__",
].map { Array($0.utf8) }

private let bundleByteCount = 4096

/// The header and tensors that fill the data file.
private let bundleEntries: [RawTable.Entry] = {
  let header = RawTable.message([
    (1, .number(1)), (2, .number(0)), (3, .bytes(RawTable.message([(1, .number(1))]))),
  ])
  var entries: [RawTable.Entry] = [([], header)]
  for index in 0..<16 {
    let extent = { (extent: Int) in RawTable.Field.bytes(RawTable.message([(1, .number(extent))])) }
    let shape = RawTable.message([(2, extent(index + 1)), (2, extent(4))])
    let message = RawTable.message([
      (1, .number(index % 2 == 0 ? 1 : 3)), (2, .bytes(shape)), (4, .number(index * 256)),
      (5, .number((index + 1) * 16)),
    ])
    entries.append((Array("layer_\(Character(UnicodeScalar(UInt8(97 + index))))/w".utf8), message))
  }
  return entries
}()
