import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

@Suite("Codecs of masks", .tags(.format))
struct MaskCodecTests {
  private let folder = TemporaryFolder()

  /// Which units of a tensor a mask selects.
  enum Pattern: CaseIterable {
    case none, one, sparse, half, dense, allButOne, all
    /// Where numbers of row and column have one sign.
    case product
    /// Whole columns and nothing else.
    case columns

    func positions(_ shape: [Int], seed: UInt64 = 1) -> [UInt32] {
      var random = SeededGenerator(seed: seed)
      let units = 0..<UInt32(shape.reduce(1, *))
      let width = shape.last ?? 1
      func drawn(_ share: Double) -> [UInt32] {
        units.filter { _ in Double(random.next() >> 11) < share * 0x1p53 }
      }
      switch self {
      case .none: return []
      case .one: return units.isEmpty ? [] : [UInt32(units.count / 2)]
      case .sparse: return drawn(0.01)
      case .half: return drawn(0.5)
      case .dense: return drawn(0.97)
      case .allButOne: return Array(units.dropLast())
      case .all: return Array(units)
      case .product:
        let (row, column) = (random.floats(units.count / max(width, 1) + 1), random.floats(width))
        return units.filter { row[Int($0) / width] * column[Int($0) % width] > 0.05 }
      case .columns: return units.filter { Int($0) % width % 3 == 1 }
      }
    }
  }

  private func mask(_ tensors: [MaskedTensor]) throws -> ParameterMask {
    try ParameterMask(
      tensors: tensors, baseFingerprint: .of([1]),
      scored: tensors.map(\.elementCount).reduce(0, +), keep: 0.1, score: "fisher")
  }

  /// The mask of one tensor, written and read again.
  private func rewritten(_ tensor: MaskedTensor, blockShift: Int? = nil) throws -> ParameterMask {
    try mask([tensor]).write(
      to: folder.file("m"), replacesExisting: true, blockShift: blockShift)
    return try ParameterMask(path: folder.file("m"))
  }

  /// What the first row of a mask file names as its codec.
  private func codec(of path: String) throws -> String? {
    try MaskEdit.row(of: path)["codec"]?.stringValue
  }

  private static let shapes = [
    [], [1], [700], [1, 90], [90, 1], [0, 4], [40, 30], [64, 64], [5, 8, 33], [200, 150],
  ]

  @Test(
    "positions return for every shape and width of blocks", arguments: shapes,
    [nil, 4, 7, 10] as [Int?])
  func roundTrip(shape: [Int], blockShift: Int?) throws {
    for pattern in Pattern.allCases {
      let tensor = try MaskedTensor(
        name: "w", shape: shape, positions: pattern.positions(shape))
      let found = try rewritten(tensor, blockShift: blockShift)
      #expect(found.tensors == [tensor], "\(pattern)")
    }
  }

  @Test("what agrees along rows and columns takes the codec context, and a fraction of the bytes")
  func structured() throws {
    let shape = [300, 200]
    for (pattern, expected) in [
      (Pattern.product, "context"), (.one, nil), (.none, nil), (.all, nil),
    ] {
      let positions = pattern.positions(shape)
      _ = try rewritten(try MaskedTensor(name: "w", shape: shape, positions: positions))
      #expect(try codec(of: folder.file("m")) == expected, "\(pattern)")
      guard expected != nil else { continue }
      let stream = try MaskEdit.stream(of: folder.file("m"))
      // A bitmap takes 7500 bytes and does not deflate to half of that.
      #expect(stream.count < 1500, "\(stream.count)")
    }
  }

  @Test("tensors of more than one block of the usual width return")
  func largeTensor() throws {
    let shape = [1500, 1000]
    for pattern in [Pattern.product, .sparse, .columns, .allButOne] {
      let tensor = try MaskedTensor(
        name: "w", shape: shape, positions: pattern.positions(shape))
      #expect(try rewritten(tensor).tensors == [tensor], "\(pattern)")
    }
  }

  @Test("a writer keeps to as many positions a byte as readers accept")
  func plausibleStreams() throws {
    let shape = [1000, 1000]
    for pattern in [Pattern.all, .allButOne, .columns] {
      let tensor = try MaskedTensor(
        name: "w", shape: shape, positions: pattern.positions(shape))
      #expect(try rewritten(tensor).tensors == [tensor], "\(pattern)")
      let byteCount = try MaskEdit.stream(of: folder.file("m")).count
      #expect(tensor.positions.count <= 256 * byteCount + 65_536, "\(byteCount)")
    }
  }

  private static let goldenPath = Fixtures.path("patches/v1/context.ctkmask")

  /// Where numbers of row and column have one sign; no row repeats.
  static func goldenTensor() throws -> MaskedTensor {
    let places = (0..<4096).filter { place in
      let (i, j) = (place / 64, place % 64)
      let row = (40_503 * i * i + 1234 * i) % 65_536 / 256 - 128
      return row * ((30_011 * j * j + 777 * j) % 65_536 / 256 - 128) > 2000
    }
    return try MaskedTensor(name: "w", shape: [64, 64], positions: places.map { UInt32($0) })
  }

  @Test(
    "a golden mask of the codec context is recorded",
    .enabled(if: ProcessInfo.processInfo.environment["CTK_RECORD_PATCHES"] != nil))
  func record() throws {
    if Folder.fileExists(Self.goldenPath) { return }
    try mask([Self.goldenTensor()]).write(to: Self.goldenPath)
  }

  @Test("golden masks of both codecs stay readable")
  func golden() throws {
    #expect(try ParameterMask(path: Self.goldenPath).tensors == [Self.goldenTensor()])
    #expect(try codec(of: Self.goldenPath) == "context")
    let older = Fixtures.path("patches/v1/golden.ctkmask")
    #expect(try ParameterMask(path: older).selected == 1892)
    #expect(try codec(of: older) == nil)
  }
}

/// Mask files of one tensor, taken apart and put together again.
enum MaskEdit {
  static func row(of path: String) throws -> JSONObject {
    let text = try SafetensorsFile(path: path).metadata["tensors"] ?? ""
    return try #require(try JSONParser.parse(Array(text.utf8)).arrayValue?.first?.objectValue)
  }

  static func stream(of path: String) throws -> [UInt8] {
    let file = try SafetensorsFile(path: path)
    return try file.withTensorBytes(try #require(file.tensors.first).name) { Array($0) }
  }

  /// Writes a mask with another stream or row, sealed anew.
  static func write(
    _ path: String, from source: String, stream: [UInt8]? = nil,
    row edit: (inout JSONObject) -> Void = { _ in }
  ) throws {
    let file = try SafetensorsFile(path: source)
    let bytes = try stream ?? self.stream(of: source)
    let name = try #require(file.tensors.first).name
    var (row, metadata) = (try row(of: source), file.metadata)
    edit(&row)
    metadata["tensors"] = JSONValue.array([.object(row)]).compactText
    metadata["payload_sha256"] = Fingerprint.checkpoint([(name, .of(bytes))]).hex
    var writer = try SafetensorsWriter(
      path: path, tensors: [TensorInfo(name: name, dtype: .u8, shape: [bytes.count])],
      metadata: HeaderSeal.sealed(metadata), replacesExisting: true)
    try bytes.withUnsafeBytes { try writer.write($0) }
    try writer.commit()
  }
}
