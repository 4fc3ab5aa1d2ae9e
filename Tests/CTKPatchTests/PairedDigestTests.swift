import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Digests of two tensors at once", .tags(.format))
struct PairedDigestTests {
  private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  private func info(_ count: Int) throws -> TensorInfo {
    try TensorInfo(name: "t", dtype: .u8, shape: [count])
  }

  /// Digests of both, taken in pieces of these sizes in turn.
  private func digests(
    _ old: [UInt8], _ new: [UInt8], _ pieces: [Int]
  ) throws -> (old: Digest, new: Digest) {
    var paired = PairedDigest(try info(old.count), try info(new.count))
    var (start, index) = (0, 0)
    old.withUnsafeBytes { old in
      new.withUnsafeBytes { new in
        while start < old.count {
          let range = start..<min(start + pieces[index % pieces.count], old.count)
          let isDifferent = paired.compare(
            UnsafeRawBufferPointer(rebasing: old[range]),
            UnsafeRawBufferPointer(rebasing: new[range]))
          #expect(isDifferent == !old[range].elementsEqual(new[range]))
          (start, index) = (range.upperBound, index + 1)
        }
      }
    }
    return paired.finalize()
  }

  private func expected(_ bytes: [UInt8]) throws -> Digest {
    try bytes.withUnsafeBytes { Fingerprint.tensor(try info(bytes.count), bytes: $0) }
  }

  @Test("are those that each has alone, in any pieces", arguments: [[1], [64], [7, 130], [999]])
  func alone(pieces: [Int]) throws {
    for count in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 500, 2000] {
      let old = bytes(count, seed: 1)
      for changed in [nil, 0, count / 2, count - 1] {
        if let changed, !(0..<count).contains(changed) { continue }
        var new = old
        changed.map { new[$0] ^= 0x10 }
        let found = try digests(old, new, pieces)
        #expect(try found.old == expected(old) && found.new == expected(new), "\(count) bytes")
      }
    }
  }

  @Test("tensors of different sizes are hashed one by one")
  func sizes() throws {
    let (old, new) = (bytes(100, seed: 2), bytes(300, seed: 3))
    var paired = PairedDigest(try info(100), try info(300))
    old.withUnsafeBytes { old in new.withUnsafeBytes { paired.update(old, $0) } }
    let found = paired.finalize()
    #expect(try found.old == expected(old) && found.new == expected(new))
  }
}
