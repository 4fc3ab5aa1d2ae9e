import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Squashing", .tags(.format))
struct SquashTests {
  private let bench = AlgebraBench()

  private func squash(
    _ patches: [PatchFile], base: TensorCollection? = nil, codec: CodecChoice = .auto,
    as name: String = "squashed"
  ) throws -> PatchFile {
    let path = bench.folder.file(name)
    _ = try PatchSquasher.squash(
      patches, base: base, options: ExportOptions(codec: codec), to: path,
      replacesExisting: true)
    return try PatchFile(path: path)
  }

  @Test("a chain and its squashed patch lead to the same bits", arguments: 0..<24)
  func randomChains(seed: Int) throws {
    let models = try AlgebraBench.line(length: 2 + seed % 4, seed: UInt64(seed) + 1)
    // Only deflate never needs the base.
    let codec: CodecChoice = seed % 2 == 0 ? .deflate : .auto
    let chain = try (1..<models.count).map { step in
      try bench.patch(
        "step\(step)", from: models[step - 1], to: models[step],
        blockShift: [nil, 4, 6][(seed + step) % 3], codec: codec)
    }
    let squashed = try squash(chain, base: codec == .deflate ? nil : models[0], codec: codec)
    let (first, last) = (models[0], models[models.count - 1])
    #expect(squashed.header.targetFingerprint == chain.last?.header.targetFingerprint)
    let there = try PatchedSource(base: first, patches: [squashed])
    #expect(try Checkpoints.contents(of: there) == Checkpoints.contents(of: last))
    #expect(try PatchVerifier.verify(squashed, base: first, tuned: last).isOK)
    #expect(squashed.header.entries.allSatisfy { $0.before != $0.after })
    // The patch is the very one that both ends would give.
    let direct = try bench.patch("direct", from: first, to: last, codec: codec)
    #expect(squashed.header.payloadDigest == direct.header.payloadDigest)
    #expect(squashed.header.entries.map(\.changes) == direct.header.entries.map(\.changes))
  }

  @Test(
    "changes add up in every dtype", arguments: DType.allCases, [CodecChoice.deflate, .context])
  func everyDType(dtype: DType, codec: CodecChoice) throws {
    var random = SeededGenerator(seed: UInt64(dtype.alignmentRank))
    var models: [TensorCollection] = []
    var bytes = Checkpoints.randomBytes(dtype, count: 3000, &random)
    for share in [0.0, 0.01, 0.6, 1.0] {
      if !models.isEmpty {
        bytes = Checkpoints.changed(
          bytes, width: CodingUnit(dtype).byteCount, share: share, &random)
      }
      var model = TensorCollection()
      try model.set("t", dtype: dtype, shape: [30, 100], bytes: bytes)
      models.append(model)
    }
    let chain = try (1..<4).map {
      try bench.patch("\($0)", from: models[$0 - 1], to: models[$0], blockShift: 8, codec: codec)
    }
    let squashed = try squash(chain, base: codec == .deflate ? nil : models[0], codec: codec)
    let direct = try bench.patch("direct", from: models[0], to: models[3], codec: codec)
    #expect(squashed.header.payloadDigest == direct.header.payloadDigest)
    #expect(try PatchVerifier.verify(squashed, base: models[0], tuned: models[3]).isOK)
  }

  @Test("squashing is associative")
  func associative() throws {
    let models = try AlgebraBench.line(length: 3, seed: 99)
    let chain = try (1..<4).map {
      try bench.patch("\($0)", from: models[$0 - 1], to: models[$0])
    }
    let (first, second) = (models[0], models[1])
    let whole = try squash(chain, base: first, as: "whole")
    let left = try squash(
      [squash(Array(chain[..<2]), base: first, as: "left"), chain[2]], base: first, as: "left-first"
    )
    let right = try squash(
      [chain[0], squash(Array(chain[1...]), base: second, as: "right")], base: first,
      as: "right-first")
    #expect(left.header.payloadDigest == whole.header.payloadDigest)
    #expect(right.header.payloadDigest == whole.header.payloadDigest)
  }

  @Test("there and back again is nothing")
  func cancels() throws {
    let models = try AlgebraBench.line(length: 1, seed: 5)
    let there = try bench.patch("there", from: models[0], to: models[1])
    let back = try bench.patch("back", from: models[1], to: models[0])
    let squashed = try squash([there, back], base: models[0])
    #expect(!there.header.entries.isEmpty)
    #expect(squashed.header.entries.isEmpty)
    #expect(squashed.header.baseFingerprint == squashed.header.targetFingerprint)
  }

  @Test("small files go from the first state to the last")
  func files() throws {
    let models = try AlgebraBench.line(length: 2, seed: 6)
    func file(_ name: String, _ before: String?, _ after: String?) -> ChangedFile {
      ChangedFile(
        name: name, before: before.map { Array($0.utf8) }, after: after.map { Array($0.utf8) })
    }
    let first = try bench.patch(
      "1", from: models[0], to: models[1],
      files: [file("a", "1", "2"), file("b", "1", "2"), file("c", nil, "x")])
    let second = try bench.patch(
      "2", from: models[1], to: models[2], files: [file("a", "2", "3"), file("b", "2", "1")])
    let squashed = try squash([first, second], base: models[0])
    let files = try squashed.header.files.map { try squashed.contents(of: $0) }
    #expect(files.map(\.name) == ["a", "c"])
    #expect(files[0].before == Array("1".utf8) && files[0].after == Array("3".utf8))
    #expect(files[1].before == nil && files[1].after == Array("x".utf8))
    let other = try bench.patch(
      "3", from: models[1], to: models[2], files: [file("a", "9", "3")])
    #expect(AlgebraBench.code { _ = try squash([first, other]) } == "patch.chain-broken")
  }

  @Test("provenance continues the first patch and names all of them")
  func provenance() throws {
    let models = try AlgebraBench.line(length: 2, seed: 8)
    let parent = Digest.of([1])
    let first = try bench.patch(
      "1", from: models[0], to: models[1], provenance: Provenance(task: "mrpc", parent: parent))
    let second = try bench.patch(
      "2", from: models[1], to: models[2], provenance: Provenance(task: "cola", keep: 0.1))
    let provenance = try squash([first, second], base: models[0]).header.provenance
    #expect(provenance.task == "cola" && provenance.keep == 0.1 && provenance.parent == parent)
    #expect(
      provenance.hyperparameters?["squashed"]
        == .array([.string(first.digest.hex), .string(second.digest.hex)]))
  }

  @Test("values that are coded against the base need it, and it must be the base")
  func needsBase() throws {
    var random = SeededGenerator(seed: 1)
    var models: [TensorCollection] = []
    for _ in 0..<3 {
      var model = TensorCollection()
      try model.set("t", shape: [40, 60], floats: random.floats(2400))
      models.append(model)
    }
    let chain = try (1..<3).map { try bench.patch("\($0)", from: models[$0 - 1], to: models[$0]) }
    #expect(AlgebraBench.code { _ = try squash(chain) } == "patch.needs-base")
    #expect(AlgebraBench.code { _ = try squash(chain, base: models[1]) } == "patch.wrong-base")
    let squashed = try squash(chain, base: models[0])
    #expect(try PatchVerifier.verify(squashed, base: models[0], tuned: models[2]).isOK)
    #expect(AlgebraBench.code { _ = try chain[0].tensorPatch(named: "t") } == "patch.needs-base")
  }

  @Test("what is no chain is refused and leaves nothing behind")
  func refusals() throws {
    let models = try AlgebraBench.line(length: 2, seed: 7)
    let first = try bench.patch("1", from: models[0], to: models[1])
    let second = try bench.patch("2", from: models[1], to: models[2])
    #expect(AlgebraBench.code { _ = try squash([second, first]) } == "patch.chain-broken")
    var bytes = try readSmallFile(second.path)
    bytes[bytes.count - 1] ^= 1
    let damaged = try PatchFile(path: bench.folder.write("damaged", bytes))
    #expect(AlgebraBench.code { _ = try squash([first, damaged]) } == "patch.damaged")
    #expect(bench.folder.names == ["1", "2", "damaged"])
    let path = try bench.folder.write("taken", [])
    #expect(
      AlgebraBench.code { _ = try PatchSquasher.squash([first], to: path) } == "output.exists")
  }
}
