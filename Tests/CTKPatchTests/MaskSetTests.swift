import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// Set operations on masks, against sets of positions.
@Suite("Mask sets", .tags(.format))
struct MaskSetTests {
  private static let shapes = ["a": [13], "b": [20, 30], "c": [9, 9, 2]]

  private static func mask(
    seed: UInt64, without: String? = nil, base: Digest = .of([1]), shape: [Int]? = nil
  ) throws -> ParameterMask {
    var random = SeededGenerator(seed: seed)
    let tensors = try shapes.filter { $0.key != without }.map { name, usual in
      let shape = name == "a" ? shape ?? usual : usual
      return try MaskedTensor(
        name: name, shape: shape,
        positions: (0..<UInt32(shape.reduce(1, *))).filter { _ in random.next() % 3 == 0 })
    }
    return try ParameterMask(
      tensors: tensors, baseFingerprint: base, scored: tensors.map(\.elementCount).reduce(0, +),
      keep: 0.3, score: "random")
  }

  private static func sets(_ mask: ParameterMask) -> [String: Set<UInt32>] {
    Dictionary(uniqueKeysWithValues: mask.tensors.map { ($0.name, Set($0.positions)) })
  }

  private static func expected(
    _ operation: ParameterMask.SetOperation, _ parts: [Set<UInt32>], count: Int
  ) -> Set<UInt32> {
    let others = parts.dropFirst().reduce(into: Set<UInt32>()) { $0.formUnion($1) }
    return switch operation {
    case .union: parts[0].union(others)
    case .intersection: parts.dropFirst().reduce(parts[0]) { $0.intersection($1) }
    case .difference: parts[0].subtracting(others)
    case .complement: Set(0..<UInt32(count)).subtracting(parts[0].union(others))
    }
  }

  @Test("as sets of positions", arguments: ParameterMask.SetOperation.allCases, [1, 2, 3])
  func againstSets(_ operation: ParameterMask.SetOperation, _ count: Int) throws {
    let masks = try (0..<count).map { index in
      try Self.mask(seed: UInt64(index + 1), without: index == 1 ? "c" : nil)
    }
    let result = try ParameterMask.combine(masks, operation)
    #expect(result.tensors.map(\.name) == ["a", "b", "c"])
    #expect(result.scored == 13 + 600 + 162)
    #expect(result.keep == Double(result.selected) / Double(result.scored))
    #expect(result.score == "set-\(operation.rawValue)")
    for tensor in result.tensors {
      let parts = masks.map { Self.sets($0)[tensor.name] ?? [] }
      let expected = Self.expected(operation, parts, count: tensor.elementCount)
      #expect(Set(tensor.positions) == expected, "\(tensor.name)")
    }
  }

  @Test("laws of sets")
  func laws() throws {
    let (a, b) = (try Self.mask(seed: 1), try Self.mask(seed: 2))
    func combined(_ masks: [ParameterMask], _ operation: ParameterMask.SetOperation) throws
      -> ParameterMask
    { try ParameterMask.combine(masks, operation) }
    let notA = try combined([a], .complement)
    #expect(try combined([notA], .complement).digest == a.digest)
    #expect(notA.selected + a.selected == a.scored)
    // De Morgan.
    let notB = try combined([b], .complement)
    let union = try combined([a, b], .union)
    let intersection = try combined([a, b], .intersection)
    #expect(
      try combined([a, b], .complement).digest == combined([notA, notB], .intersection).digest)
    #expect(union.selected + intersection.selected == a.selected + b.selected)
    #expect(
      try combined([a, b], .difference).digest == combined([a, notB], .intersection).digest)
    let same = try combined([a, a], .difference)
    #expect(same.selected == 0 && same.keep == 0)
  }

  @Test("a combined mask is a file like any other")
  func file() throws {
    let folder = TemporaryFolder()
    let mask = try ParameterMask.combine([try Self.mask(seed: 1)], .complement)
    try mask.write(to: folder.file("m"))
    #expect(try ParameterMask(path: folder.file("m")).json == mask.json)
  }

  @Test("masks that do not belong together are refused")
  func refusals() throws {
    let first = try Self.mask(seed: 1)
    for others in [
      [try Self.mask(seed: 2, base: .of([2]))], [try Self.mask(seed: 2, shape: [14])],
    ] {
      #expect { try ParameterMask.combine([first] + others, .union) } throws: {
        ($0 as? PatchError)?.code == "mask.not-combinable"
      }
    }
    #expect(throws: PatchError.self) { try ParameterMask.combine([], .union) }
  }
}
