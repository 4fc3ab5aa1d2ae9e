import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

/// Files cut short and files with wrong bytes: an error or values, never a crash.
@Suite(.tags(.hostile)) struct DamageTests {
  private static let names = [
    "malformed/hdf5/ok-plain.h5", "malformed/hdf5/ok-chunked.h5", "malformed/hdf5/ok-latest.h5",
    "malformed/hdf5/ok-many-links-latest.h5", "malformed/hdf5/ok-attributes.h5",
    "malformed/hdf5/ok-track-order.h5", "malformed/hdf5/ok-attributes-dense.h5",
    "bert/tf/tf_model.h5",
  ]

  /// Reads everything; a damaged file may end it with an HDF5 error only.
  private func read(_ path: String) throws -> Bool {
    do {
      let file = try HDF5File(path: path)
      for info in file.tensors {
        #expect(try file.bytes(info.name).count == info.byteCount)
      }
      for group in ["", "g", "bert"] {
        _ = try file.stringListAttribute("layer_names", of: group)
        _ = try file.stringListAttribute("weight_names", of: group)
      }
      return true
    } catch is HDF5Error {
      return false
    }
  }

  @Test(arguments: ["ok-plain.h5", "ok-latest.h5", "ok-userblock.h5", "ok-chunked.h5"])
  func everyTruncationIsRefused(_ name: String) throws {
    let bytes = try readSmallFile(Fixtures.path("checkpoints/malformed/hdf5/" + name))
    let folder = TemporaryFolder()
    for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
      let path = try folder.write("cut.h5", Array(bytes[..<length]))
      let error = #expect(throws: HDF5Error.self, "\(length) bytes") { try HDF5File(path: path) }
      #expect(["hdf5.truncated", "hdf5.not-hdf5"].contains(error?.code), "\(length) bytes")
    }
    #expect(folder.names == ["cut.h5"])
  }

  @Test(arguments: names)
  func changedBytesNeverCrash(_ name: String) throws {
    let bytes = try readSmallFile(Fixtures.path("checkpoints/" + name))
    let folder = TemporaryFolder()
    var refusals = 0
    let rounds = 500
    for seed in 0..<UInt64(rounds) {
      var generator = SeededGenerator(seed: seed)
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<min(bytes.count, 16_384), using: &generator)
        damaged[position] =
          [0, 0xFF, UInt8.random(in: 0...255, using: &generator)]
          .randomElement(using: &generator) ?? 0
      }
      let path = try folder.write("damaged.h5", damaged)
      if try !read(path) { refusals += 1 }
    }
    #expect(refusals > 0 && refusals < rounds)
    #expect(folder.names == ["damaged.h5"])
  }

  /// Values under a checksum are never silently wrong.
  @Test func aChangedChunkUnderAChecksumIsFound() throws {
    let path = Fixtures.path("checkpoints/malformed/hdf5/ok-chunked.h5")
    let good = try HDF5File(path: path).bytes("all")
    let bytes = try readSmallFile(path)
    let folder = TemporaryFolder()
    var found = 0
    for seed in 0..<UInt64(300) {
      var generator = SeededGenerator(seed: seed)
      var damaged = bytes
      let position = Int.random(in: 2048..<bytes.count, using: &generator)
      damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      let changed = try folder.write("changed.h5", damaged)
      do {
        let file = try HDF5File(path: changed)
        guard file.info(of: "all")?.shape == [33, 19] else { continue }
        #expect(try file.bytes("all") == good, "seed \(seed)")
      } catch is HDF5Error {
        found += 1
      }
    }
    #expect(found > 0)
  }
}
