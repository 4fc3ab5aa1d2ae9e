public import CTKCore
import CZlib
import Foundation

/// Fixtures that lie in a compressed zip archive, as files that are mostly empty do.
public enum PackedFixtures {
  /// Unpacks every member of an archive.
  ///
  /// - Parameter archive: below `fixtures/`, such as `keras/models.zip`.
  public static func unpack(_ archive: String, into folder: TemporaryFolder) throws {
    let file = try MappedFile(path: Fixtures.path(archive))
    try file.withBytes { (bytes) throws in
      for entry in try ZipArchive(file: bytes).entries {
        let path = folder.file(entry.name)
        let parent = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try folder.write(entry.name, contents(of: entry, in: bytes))
      }
    }
  }

  /// The uncompressed bytes of a member.
  public static func contents(of entry: ZipEntry, in file: UnsafeRawBufferPointer) -> [UInt8] {
    let stored = Array(file[entry.range])
    guard entry.method == .deflated else { return stored }
    return inflated(stored, byteCount: entry.uncompressedByteCount)
  }

  /// Undoes a raw deflate stream, as zip archives have them.
  private static func inflated(_ deflated: [UInt8], byteCount: Int) -> [UInt8] {
    var source = deflated
    var result = [UInt8](repeating: 0, count: byteCount)
    source.withUnsafeMutableBufferPointer { input in
      result.withUnsafeMutableBufferPointer { output in
        var stream = z_stream()
        precondition(ctk_inflate_init2(&stream, -MAX_WBITS) == Z_OK)
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        precondition(inflate(&stream, Z_FINISH) == Z_STREAM_END)
        inflateEnd(&stream)
      }
    }
    return result
  }
}
