import CTKCore
import CTKModel
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// Weights stay where the base's file is mapped until something writes them.
@Suite(.tags(.format))
struct ParameterVectorTests {
  private let file: SafetensorsFile
  private let network: SequenceClassifier
  private let vector: ParameterVector

  init() throws {
    let base = Fixtures.path("checkpoints/bert/pt")
    file = try SafetensorsFile(path: base + "/model.safetensors")
    network = try SequenceClassifier(
      configuration: ModelConfiguration(json: JSONParser.parseFile(base + "/config.json")),
      labelCount: 3)
    vector = ParameterVector(layout: network.layout)
    #expect(try vector.load(from: file).isEmpty)
  }

  private func stored(_ name: String) throws -> [Float] {
    try file.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  private func isInFile(_ parameter: Parameter) throws -> Bool {
    let id = try #require(network.layout.id(of: parameter.name))
    let bytes = try #require(file.residentBytes(of: parameter.name))
    return UnsafeRawPointer(vector.pointer(id)) == bytes.baseAddress
  }

  @Test func largeParametersStayInTheFile() throws {
    let inFile = try network.layout.parameters.filter { try isInFile($0) }
    #expect(inFile.contains { $0.role == .embedding } && inFile.contains { $0.role == .matrix })
    // A product takes queries, keys and values as one matrix, which they are not in a file.
    #expect(inFile.allSatisfy { !$0.isStacked && $0.count >= 1024 })
    for parameter in network.layout.parameters {
      let id = try #require(network.layout.id(of: parameter.name))
      #expect(try vector.array(id) == stored(parameter.name))
    }
  }

  @Test func whatIsWrittenIsACopy() throws {
    let parameter = try #require(
      network.layout.parameters.first { $0.role == .matrix && $0.count >= 1024 && !$0.isStacked })
    let id = try #require(network.layout.id(of: parameter.name))
    let before = try stored(parameter.name)
    vector.own([id], by: Compute(threadCount: 2))
    #expect(try !isInFile(parameter))
    #expect(vector.array(id) == before)
    vector.mutablePointer(id)[5] += 1
    #expect(vector.array(id) != before)
    #expect(try stored(parameter.name) == before)
  }

  @Test func aCopyOfTheVectorIsItsOwn() throws {
    let copy = ParameterVector(layout: network.layout)
    copy.copy(vector)
    #expect(copy.array() == vector.array())
    for id in network.layout.allIDs { copy.mutablePointer(id)[0] += 1 }
    #expect(zip(copy.array(), vector.array()).count { $0 != $1 } == network.layout.allIDs.count)
  }

  /// A header may end anywhere, and with it the alignment of all tensors.
  @Test(arguments: 1...3) func floatsOffTheirAlignmentAreCopied(_ shift: Int) throws {
    let folder = TemporaryFolder()
    var bytes = file.withFileBytes { Array($0) }
    let header = bytes.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    bytes.insert(contentsOf: Array(repeating: UInt8(ascii: " "), count: shift), at: 8 + header)
    withUnsafeBytes(of: UInt64(header + shift)) { bytes.replaceSubrange(0..<8, with: $0) }
    try Data(bytes).write(to: URL(filePath: folder.file("shifted.safetensors")))
    let shifted = try SafetensorsFile(path: folder.file("shifted.safetensors"))
    let other = ParameterVector(layout: network.layout)
    #expect(try other.load(from: shifted).isEmpty)
    #expect(other.array() == vector.array())
    for id in network.layout.allIDs { other.mutablePointer(id)[0] = 0 }
  }

  @Test func formedBytesAreCopied() throws {
    var formed = TensorCollection()
    for info in file.tensors {
      try formed.set(info.name, shape: info.shape, floats: stored(info.name))
    }
    #expect(formed.residentBytes(of: file.tensors[0].name) == nil)
    let other = ParameterVector(layout: network.layout)
    #expect(try other.load(from: formed).isEmpty)
    #expect(other.array() == vector.array())
  }
}
