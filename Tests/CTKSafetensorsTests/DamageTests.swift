import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Damaged files", .tags(.hostile))
struct DamageTests {
  private let folder = TemporaryFolder()

  @Test func everyTruncationIsRefused() throws {
    for count in RawSafetensors.small.indices {
      let path = try folder.write("cut", Array(RawSafetensors.small.prefix(count)))
      let code = failureCode { _ = try SafetensorsFile(path: path) }
      #expect(code?.hasPrefix("safetensors.") == true, "cut after \(count) bytes: \(code ?? "-")")
    }
  }

  @Test func aTrailingByteIsRefused() throws {
    let path = try folder.write("long", RawSafetensors.small + [0])
    #expect(failureCode { _ = try SafetensorsFile(path: path) } == "safetensors.data-trailing")
  }

  @Test("A changed byte is refused or read within the file", arguments: 0..<8)
  func bitFlips(bit: Int) throws {
    for position in RawSafetensors.small.indices {
      var bytes = RawSafetensors.small
      bytes[position] ^= 1 << bit
      try readWhole(bytes)
    }
  }

  @Test("Random headers never crash", arguments: 0..<24 as Range<UInt64>)
  func randomHeaders(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      let header = Self.randomHeader(&generator)
      let data = [UInt8](repeating: 7, count: Int.random(in: 0...24, using: &generator))
      try readWhole(RawSafetensors.bytes(header: header, data: data))
    }
  }

  @Test("Random bytes never crash", arguments: 0..<8 as Range<UInt64>)
  func randomBytes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      let count = Int.random(in: 0...64, using: &generator)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if count > 8 { bytes.replaceSubrange(0..<8, with: [UInt8(count - 8), 0, 0, 0, 0, 0, 0, 0]) }
      try readWhole(bytes)
    }
  }

  /// Opens a file; when that succeeds every tensor must have the bytes its description needs.
  private func readWhole(_ bytes: [UInt8]) throws {
    let path = try folder.write("damaged", bytes)
    do {
      let file = try SafetensorsFile(path: path)
      let dataByteCount = try file.tensors.reduce(0) { sum, info in
        let count = try file.bytes(of: info.name).count
        #expect(count == info.byteCount)
        return sum + count
      }
      #expect(dataByteCount <= bytes.count)
    } catch let error as SafetensorsError {
      #expect(!error.message.isEmpty)
    }
  }

  private static func randomHeader(_ generator: inout SeededGenerator) -> String {
    let pieces = [
      #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
      #""b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}"#,
      #""c":{"dtype":"F4","shape":[3],"data_offsets":[8,9]}"#,
      #""d":{"dtype":"F64","shape":[9223372036854775807,4],"data_offsets":[0,4]}"#,
      #""e":{"dtype":"I8","shape":[],"data_offsets":[8,9]}"#,
      #""f":{"dtype":"I8","shape":[0],"data_offsets":[4,4]}"#,
      #""__metadata__":{"x":"y"}"#, #""__metadata__":null"#, #""g":[]"#, "{", "}", ",", "1e400",
    ]
    let count = Int.random(in: 0...5, using: &generator)
    let chosen = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }
    return "{\(chosen.joined(separator: ","))}"
  }
}
