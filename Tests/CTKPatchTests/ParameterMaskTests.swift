import CTKCore
import CTKPatch
import CTKTestSupport
import Foundation
import Testing

@Suite("Masks", .tags(.format))
struct ParameterMaskTests {
  private let folder = TemporaryFolder()

  private func mask(seed: UInt64 = 1, keep: Double = 0.2) throws -> ParameterMask {
    var random = SeededGenerator(seed: seed)
    var tensors: [MaskedTensor] = []
    for (name, shape) in [("b", [30, 40]), ("a", [7]), ("c", [100, 90]), ("none", [0])] {
      let count = shape.reduce(1, *)
      let positions = (0..<UInt32(count)).filter { _ in
        Double(random.next() >> 11) < keep * 0x1p53
      }
      tensors.append(
        try MaskedTensor(
          name: name, shape: shape, positions: positions,
          scores: name == "b" ? ScoreSummary(total: 2.5, largest: 1) : ScoreSummary()))
    }
    return try ParameterMask(
      tensors: tensors, baseFingerprint: .of([1]), scored: 10_207, keep: keep, score: "fisher",
      provenance: Provenance(task: "mrpc"))
  }

  @Test("a mask returns from its file", arguments: [0.0, 0.001, 0.1, 0.5, 1.0])
  func roundTrip(keep: Double) throws {
    let mask = try mask(keep: keep)
    try mask.write(to: folder.file("m"))
    try mask.write(to: folder.file("again"))
    let found = try ParameterMask(path: folder.file("m"))
    #expect(found.tensors == mask.tensors)
    #expect(found.tensors.map(\.name) == ["a", "b", "c", "none"])
    #expect(found.json == mask.json)
    #expect(found.provenance == mask.provenance)
    let files = try ["m", "again"].map { try Data(contentsOf: URL(filePath: folder.file($0))) }
    #expect(files[0] == files[1])
  }

  @Test("a mask of one whole large tensor is read again")
  func wholeTensor() throws {
    let tensor = try MaskedTensor(
      name: "w", shape: [1000, 1000], positions: Array(0..<1_000_000))
    let mask = try ParameterMask(
      tensors: [tensor], baseFingerprint: .of([1]), scored: 1_000_000, keep: 1, score: "random")
    try mask.write(to: folder.file("m"))
    #expect(try ParameterMask(path: folder.file("m")).tensors == [tensor])
  }

  @Test("the digest follows names, shapes and positions alone")
  func digest() throws {
    let mask = try mask()
    #expect(mask.digest == (try self.mask()).digest)
    #expect(mask.digest != (try self.mask(seed: 2)).digest)
    let other = try ParameterMask(
      tensors: mask.tensors.filter { !$0.positions.isEmpty }, baseFingerprint: .of([9]),
      scored: 20_000, keep: 0.3, score: "random")
    #expect(other.digest == mask.digest)
    let renamed = try mask.tensors.map { tensor in
      try MaskedTensor(
        name: tensor.name + "x", shape: tensor.shape, positions: tensor.positions)
    }
    let third = try ParameterMask(
      tensors: renamed, baseFingerprint: .of([1]), scored: 10_207, keep: 0.2, score: "fisher")
    #expect(third.digest != mask.digest)
  }

  @Test(
    "positions that do not ascend within the shape are refused",
    arguments: [[1, 1], [2, 1], [0, 6], [6]] as [[UInt32]])
  func invalid(positions: [UInt32]) {
    let found = code { _ = try MaskedTensor(name: "t", shape: [2, 3], positions: positions) }
    #expect(found == "mask.invalid")
  }

  @Test("a repeated name and impossible counts are refused")
  func invalidMask() throws {
    let tensor = try MaskedTensor(name: "t", shape: [3], positions: [0, 2])
    func make(_ tensors: [MaskedTensor], _ scored: Int, _ keep: Double) -> String? {
      code {
        _ = try ParameterMask(
          tensors: tensors, baseFingerprint: .of([1]), scored: scored, keep: keep, score: "x")
      }
    }
    #expect(make([tensor], 3, 0.5) == nil)
    #expect(make([tensor, tensor], 9, 0.5) == "mask.invalid")
    #expect(make([tensor], 1, 0.5) == "mask.invalid")
    #expect(make([tensor], 3, 1.5) == "mask.invalid")
    #expect(make([tensor], 3, .nan) == "mask.invalid")
  }

  @Test("every truncation and every flipped byte of a mask is refused", .tags(.hostile))
  func damage() throws {
    try mask(keep: 0.05).write(to: folder.file("m"))
    let bytes = Array(try Data(contentsOf: URL(filePath: folder.file("m"))))
    func isRefused(_ bytes: [UInt8]) throws -> Bool {
      try folder.write("damaged", bytes)
      return code { _ = try ParameterMask(path: folder.file("damaged")) } != nil
    }
    for position in bytes.indices {
      #expect(try isRefused(Array(bytes[..<position])), "cut to \(position) bytes")
      var flipped = bytes
      flipped[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      #expect(try isRefused(flipped), "byte \(position)")
    }
  }

  @Test("a patch is not a mask and a mask is not a patch")
  func foreign() throws {
    let bench = try PatchBench(in: folder)
    #expect(code { _ = try ParameterMask(path: bench.patchPath) } == "mask.not-a-mask")
    try mask().write(to: bench.folder.file("m"))
    #expect(code { _ = try PatchFile(path: bench.folder.file("m")) } == "patch.not-a-patch")
  }
}
