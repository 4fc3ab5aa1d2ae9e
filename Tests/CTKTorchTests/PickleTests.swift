import CTKCore
import CTKTestSupport
import CTKTorch
import Testing

/// Pickles put together by hand, inside an otherwise sound archive.
@Suite("Pickles", .tags(.format, .hostile))
struct PickleTests {
  private static let maximum = 1 << 16

  private let folder = TemporaryFolder()

  private func failure(_ pickle: [UInt8], storage: [UInt8] = []) throws -> String? {
    let archive = RawZip([.init("x/data.pkl", pickle), .init("x/data/0", storage)])
    return torchFailure(try folder.write("made.pt", archive.bytes))
  }

  private func text(_ value: String) -> [UInt8] {
    [0x8C, UInt8(value.utf8.count)] + Array(value.utf8)
  }

  private func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  private let proto: [UInt8] = [0x80, 2]
  private let stop: [UInt8] = [0x2E]
  private let emptyDictionary: [UInt8] = [0x7D]

  @Test func anEmptyDictionaryIsAStateDict() throws {
    #expect(try failure(proto + emptyDictionary + stop) == nil)
  }

  @Test func theFrameOfAPickleIsStrict() throws {
    #expect(try failure(emptyDictionary + stop) == "torch.pickle-damaged")
    #expect(try failure([0x80, 1] + emptyDictionary + stop) == "torch.pickle-damaged")
    #expect(try failure(proto + proto + emptyDictionary + stop) == "torch.pickle-damaged")
    #expect(try failure(proto + [0x4E] + emptyDictionary + stop) == "torch.pickle-damaged")
    #expect(try failure(proto + [0x28] + emptyDictionary + stop) == "torch.pickle-damaged")
    #expect(try failure(proto + emptyDictionary + stop + stop) == "torch.pickle-damaged")
  }

  @Test("A mark hides the values below it") func marks() throws {
    #expect(try failure(proto + emptyDictionary + [0x28, 0x71, 0, 0x75] + stop) != nil)
    #expect(try failure(proto + [0x5D] + [0x28, 0x4E, 0x61, 0x74] + stop) != nil)
  }

  @Test func limitsHold() throws {
    let values = [UInt8](repeating: 0x4E, count: Self.maximum + 1)
    #expect(try failure(proto + values + stop) == "torch.limit-exceeded")
    let marks = [UInt8](repeating: 0x28, count: Self.maximum + 1)
    #expect(try failure(proto + marks + stop) == "torch.limit-exceeded")
    let longName = text(String(repeating: "n", count: 200))
    let nested = (0..<6).flatMap { _ in emptyDictionary + longName }
    let pickle = proto + nested + [0x5D] + [UInt8](repeating: 0x73, count: 6) + stop
    #expect(try failure(pickle) == "torch.limit-exceeded")
  }

  @Test("Many small instructions cost little, and are as many as the bytes")
  func instructions() throws {
    // Lists that are made and set aside: APPEND keeps the stack short.
    let pieces = [UInt8](repeatElement([0x5D, 0x61] as [UInt8], count: 1 << 20).joined())
    let pickle = proto + [0x5D] + pieces
    #expect(try failure(pickle + stop) == "torch.root-invalid")
    let padding = [UInt8](repeating: 0x88, count: 64 << 20)
    #expect(try failure(proto + padding + stop) == "torch.limit-exceeded")
  }

  @Test func classesOfTensorsAreNotCalled() throws {
    let call = global("torch", "FloatStorage") + [0x29, 0x52]
    #expect(try failure(proto + call + stop) == "torch.global-refused")
  }

  @Test("Only the listed globals, however they are spelled", arguments: ["os", "posix", "torch"])
  func otherGlobals(_ module: String) throws {
    #expect(try failure(proto + global(module, "system") + stop) == "torch.global-refused")
    let stacked = text(module) + text("load") + [0x93]
    #expect(try failure([0x80, 4] + stacked + stop) == "torch.global-refused")
  }
}
