import CTKCore
import CTKTestSupport
import Testing

@Suite(.tags(.format, .hostile))
struct TensorSourceTests {
  /// One letter with its accent, and the letter followed by the accent: equal to Swift,
  /// different bytes.
  private static let composed = "\u{E9}"
  private static let decomposed = "e\u{301}"

  private func bothForms(after prefix: String = "") throws -> TensorCollection {
    var tensors = TensorCollection()
    try tensors.set(prefix + Self.composed, shape: [1], floats: [1])
    try tensors.set(prefix + Self.decomposed, shape: [1], floats: [2])
    return tensors
  }

  private func value(_ name: String, of source: some TensorSource) throws -> Float {
    try source.withTensorBytes(name) { $0.loadUnaligned(as: Float.self) }
  }

  @Test func namesAreBytes() throws {
    var tensors = try bothForms()
    #expect(tensors.tensors.map { Array($0.name.utf8) } == [[0x65, 0xCC, 0x81], [0xC3, 0xA9]])
    #expect(try value(Self.composed, of: tensors) == 1)
    #expect(try value(Self.decomposed, of: tensors) == 2)
    tensors.remove(Self.composed)
    #expect(tensors.info(of: Self.composed) == nil)
    #expect(tensors.info(of: Self.decomposed) != nil)
  }

  @Test func prefixesAreBytes() throws {
    let scoped = ScopedTensorSource(try bothForms(after: "a."), prefix: "a.")
    #expect(scoped.tensors.count == 2)
    #expect(try value(Self.decomposed, of: scoped) == 2)
    // The accent belongs to the name that follows the prefix, not to the prefix.
    var split = TensorCollection()
    try split.set("a.e\u{301}x", shape: [1], floats: [3])
    let accents = ScopedTensorSource(split, prefix: "a.e")
    #expect(accents.tensors.map(\.name) == ["\u{301}x"])
    #expect(try value("\u{301}x", of: accents) == 3)
    #expect(ScopedTensorSource(split, prefix: "a.\u{E9}").tensors.isEmpty)
  }
}
