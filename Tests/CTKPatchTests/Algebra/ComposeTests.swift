import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Composing", .tags(.format))
struct ComposeTests {
  private let bench = AlgebraBench()

  private func compose(
    _ patches: [PatchFile], on base: any TensorSource, _ policy: ComposePolicy,
    heads: HeadPolicy? = nil, as name: String = "composed"
  ) throws -> (patch: PatchFile, conflicts: [TensorConflict]) {
    let path = bench.folder.file(name)
    let summary = try PatchComposer.compose(
      base: base, patches: patches, options: ComposeOptions(policy: policy, heads: heads),
      to: path, replacesExisting: true)
    return (try PatchFile(path: path), summary.conflicts)
  }

  private func model(_ values: [Float], shape: [Int]? = nil) throws -> TensorCollection {
    var result = TensorCollection()
    try result.set("w", shape: shape ?? [values.count], floats: values)
    return result
  }

  private func values(_ patch: PatchFile, on base: any TensorSource) throws -> [Float] {
    let source = try PatchedSource(base: base, patches: [patch])
    return try source.withTensorBytes("w") { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  /// Two or three patches of which no two change one unit.
  private func disjoint(
    _ dtype: DType, count: Int, seed: UInt64
  ) throws -> (base: TensorCollection, patches: [PatchFile], together: TensorCollection) {
    var random = SeededGenerator(seed: seed)
    let width = CodingUnit(dtype).byteCount
    let bytes = Checkpoints.randomBytes(dtype, count: 640, &random)
    var tuned = Array(repeating: bytes, count: count)
    var together = bytes
    for unit in 0..<bytes.count / width {
      let owner = Int(random.next() % UInt64(count + 1))
      guard owner < count else { continue }
      let range = unit * width..<(unit + 1) * width
      let word = Checkpoints.changed(Array(bytes[range]), width: width, share: 1, &random)
      tuned[owner].replaceSubrange(range, with: word)
      together.replaceSubrange(range, with: word)
    }
    func collection(_ bytes: [UInt8]) throws -> TensorCollection {
      var result = TensorCollection()
      try result.set("t", dtype: dtype, shape: [16, 40], bytes: bytes)
      try result.set("untouched", shape: [2], floats: [1, 2])
      return result
    }
    let base = try collection(bytes)
    let patches = try tuned.enumerated().map { index, bytes in
      try bench.patch("d\(index)", from: base, to: try collection(bytes), blockShift: 5)
    }
    return (base, patches, try collection(together))
  }

  @Test(
    "disjoint patches give the same bits under every policy and in any order",
    arguments: DType.allCases, ComposePolicy.allCases)
  func disjointPatches(dtype: DType, policy: ComposePolicy) throws {
    let (base, patches, together) = try disjoint(dtype, count: 3, seed: 40)
    let composed = try compose(patches, on: base, policy).patch
    let source = try PatchedSource(base: base, patches: [composed])
    #expect(try Checkpoints.contents(of: source) == Checkpoints.contents(of: together))
    #expect(try PatchVerifier.verify(composed, base: base, tuned: together).isOK)
    let reversed = try compose(patches.reversed(), on: base, policy, as: "reversed").patch
    #expect(reversed.header.payloadDigest == composed.header.payloadDigest)
    #expect(reversed.header.targetFingerprint == composed.header.targetFingerprint)
    if policy.isCommutative {
      #expect(try readSmallFile(reversed.path) == readSmallFile(composed.path))
    }
    // One by one is the same as together.
    let pair = try compose(Array(patches[..<2]), on: base, policy, as: "pair").patch
    let stepwise = try compose([pair, patches[2]], on: base, policy, as: "stepwise").patch
    #expect(stepwise.header.payloadDigest == composed.header.payloadDigest)
  }

  @Test("overlapping patches commute, too, where the policy says so", arguments: 0..<6)
  func overlappingPatches(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed) + 70)
    let values = random.floats(300)
    let base = try model(values)
    let patches = try (0..<3).map { index in
      let tuned = values.map { random.next() % 2 == 0 ? $0 + random.signedUnit() * 0.1 : $0 }
      return try bench.patch("\(index)", from: base, to: try model(tuned))
    }
    for policy in ComposePolicy.allCases where policy.isCommutative && policy != .error {
      let forward = try compose(patches, on: base, policy, as: "forward").patch
      let other = try compose(
        [patches[2], patches[0], patches[1]], on: base, policy, as: "other"
      ).patch
      #expect(try readSmallFile(forward.path) == readSmallFile(other.path))
      #expect(try PatchVerifier.verify(forward, base: base).isOK)
    }
  }

  @Test("each policy by hand")
  func policies() throws {
    let base = try model([1, 1, 1, 1, 1, 1])
    let first = try bench.patch("1", from: base, to: try model([2, 1, 3, 0, 1.5, 1]))
    let second = try bench.patch("2", from: base, to: try model([1, 4, 2, 4, 0.5, 1]))
    let third = try bench.patch("3", from: base, to: try model([1, 1, 1, 3, 1, 1]))
    let patches = [first, second, third]
    let expected: [ComposePolicy: [Float]] = [
      .first: [2, 4, 3, 0, 1.5, 1], .last: [2, 4, 2, 3, 0.5, 1],
      .sum: [2, 4, 4, 5, 1, 1], .mean: [2, 4, 2.5, Float(7.0 / 3.0 as Double), 1, 1],
      .ties: [2, 4, 2.5, 3.5, 1, 1],
    ]
    for (policy, values) in expected {
      let result = try compose(patches, on: base, policy)
      #expect(try self.values(result.patch, on: base) == values, "\(policy)")
      let conflict = try #require(result.conflicts.first)
      #expect(conflict.overlap == 3 && conflict.agreeing == 1)
      #expect(conflict.changes == [4, 4, 1] && conflict.largestDifference == 4)
    }
  }

  @Test("one number written by all stays that number, except in a sum")
  func agreement() throws {
    var random = SeededGenerator(seed: 3)
    let base = try model(random.floats(500))
    let tuned = try model(random.floats(500))
    let patch = try bench.patch("p", from: base, to: tuned)
    for policy in [ComposePolicy.first, .last, .mean, .ties] {
      let composed = try compose([patch, patch], on: base, policy).patch
      #expect(composed.header.targetFingerprint == patch.header.targetFingerprint)
    }
  }

  @Test("narrow floats are rounded once, to the nearest", arguments: [DType.bf16, .f16])
  func narrowFloats(dtype: DType) throws {
    func number(_ bits: UInt16) -> Double {
      dtype == .f16
        ? Double(Float16(bitPattern: bits))
        : Double(Float(bitPattern: UInt32(bits) << 16))
    }
    func collection(_ words: [UInt16]) throws -> TensorCollection {
      var result = TensorCollection()
      try result.set(
        "w", dtype: dtype, shape: [words.count],
        bytes: words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
      return result
    }
    var random = SeededGenerator(seed: 12)
    // Numbers between about 2^-12 and 1, of either sign.
    func word() -> UInt16 {
      let magnitude: UInt64 =
        dtype == .f16 ? 0x0C00 + random.next() % 0x3000 : 0x3980 + random.next() % 0x600
      return UInt16(magnitude) | (random.next() % 2 == 0 ? 0 : 0x8000)
    }
    let words = (0..<3).map { _ in (0..<400).map { _ in word() } }
    let base = try collection(words[0])
    let patches = try (1...2).map {
      try bench.patch("\($0)", from: base, to: try collection(words[$0]))
    }
    let composed = try compose(patches, on: base, .sum).patch
    let source = try PatchedSource(base: base, patches: [composed])
    let found = try source.withTensorBytes("w") { bytes in
      (0..<400).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
    }
    for unit in 0..<400 {
      let origin = number(words[0][unit])
      let changes = [number(words[1][unit]) - origin, number(words[2][unit]) - origin]
      guard !changes.contains(0) else { continue }
      let exact = origin + changes.sorted().reduce(0, +)
      let error = (number(found[unit]) - exact).magnitude
      for neighbour in [found[unit] &+ 1, found[unit] &- 1] where number(neighbour).isFinite {
        #expect(error <= (number(neighbour) - exact).magnitude)
      }
    }
  }

  @Test("integers are summed modulo their width, and not averaged")
  func integers() throws {
    func collection(_ value: UInt8) throws -> TensorCollection {
      var result = TensorCollection()
      try result.set("w", dtype: .u8, shape: [1], bytes: [value])
      return result
    }
    let base = try collection(250)
    let patches = try [(253, 0), (5, 1)].map { value, index in
      try bench.patch("\(index)", from: base, to: try collection(value))
    }
    let sum = try PatchedSource(base: base, patches: [compose(patches, on: base, .sum).patch])
    #expect(try sum.withTensorBytes("w") { Array($0) } == [8])
    for policy in [ComposePolicy.mean, .ties] {
      #expect(
        AlgebraBench.code { _ = try compose(patches, on: base, policy) }
          == "compose.not-numeric")
    }
  }

  @Test("policy error names the tensor and the place")
  func overlapError() throws {
    let base = try model([0, 0, 0, 0, 0, 0], shape: [2, 3])
    let first = try bench.patch("1", from: base, to: try model([1, 0, 0, 0, 0, 1], shape: [2, 3]))
    let second = try bench.patch(
      "2", from: base, to: try model([0, 1, 0, 0, 0, 2], shape: [2, 3]))
    do {
      _ = try compose([first, second], on: base, .error)
      Issue.record("nothing was thrown")
    } catch let error as PatchError {
      #expect(error.code == "compose.overlap")
      #expect(error.message.contains("'w'") && error.message.contains("[1, 2]"))
    }
    #expect(bench.folder.names == ["1", "2"])
  }

  @Test("numbers that are none are refused by arithmetic and kept by first and last")
  func notFinite() throws {
    let base = try model([1, 1])
    for value in [Float.nan, .infinity] {
      let first = try bench.patch("1", from: base, to: try model([value, 1]))
      let second = try bench.patch("2", from: base, to: try model([2, 1]))
      for policy in [ComposePolicy.sum, .mean, .ties] {
        #expect(
          AlgebraBench.code { _ = try compose([first, second], on: base, policy) }
            == "compose.not-finite")
      }
      let kept = try values(try compose([first, second], on: base, .first).patch, on: base)
      #expect(kept[0].bitPattern == value.bitPattern)
    }
    let huge = try model([-1e38, 1])
    let up = try bench.patch("up", from: huge, to: try model([3e38, 1]))
    let upToo = try bench.patch("up-too", from: huge, to: try model([2.9e38, 1]))
    #expect(
      AlgebraBench.code { _ = try compose([up, upToo], on: huge, .sum) } == "compose.not-finite")
  }

  @Test("the level of chance is that of random masks")
  func chance() throws {
    let zeros = [Float](repeating: 0, count: 100)
    let base = try model(zeros)
    func patch(_ units: Range<Int>, _ name: String) throws -> PatchFile {
      var tuned = zeros
      for unit in units { tuned[unit] = 1 }
      return try bench.patch(name, from: base, to: try model(tuned))
    }
    let patches = [try patch(0..<20, "1"), try patch(10..<60, "2")]
    let pair = try #require(try compose(patches, on: base, .mean).conflicts.first)
    #expect(pair.overlap == 10 && abs(pair.chance - 10) < 1e-9)
    #expect(pair.signAgreement == 1)
    let three = try compose(patches + [try patch(0..<100, "3")], on: base, .mean).conflicts
    // All units are in the third: those in the first or the second overlap.
    #expect(abs(try #require(three.first).chance - 60) < 1e-9)
    #expect(three.first?.overlap == 60)
  }
}
