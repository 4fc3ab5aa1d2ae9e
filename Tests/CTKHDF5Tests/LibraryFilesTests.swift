import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

/// Files that libhdf5 writes in every storage form it has, read back by ctk.
@Suite(.tags(.format), .serialized) struct LibraryFilesTests {
  struct Form: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let makeDataset: @Sendable () -> LibraryWriter.Dataset
  }

  private static let forms: [Form] = [
    Form(testDescription: "contiguous") { .init(shape: [7, 5]) },
    Form(testDescription: "compact") { .init(shape: [7, 5], chunking: .compact) },
    Form(testDescription: "one chunk") { .init(shape: [7, 5], chunking: .chunked([7, 5])) },
    Form(testDescription: "implicit index") {
      .init(shape: [31, 9], chunking: .chunked([4, 4]), allocatesEarly: true)
    },
    Form(testDescription: "fixed array") { .init(shape: [31, 9], chunking: .chunked([4, 4])) },
    Form(testDescription: "paged fixed array") {
      .init(shape: [2500, 3], chunking: .chunked([2, 1]))
    },
    Form(testDescription: "bounded growth") {
      .init(shape: [31, 9], maxima: [64, 40], chunking: .chunked([4, 4]))
    },
    Form(testDescription: "extensible array") {
      .init(shape: [31, 9], maxima: [nil, 9], chunking: .chunked([4, 4]))
    },
    Form(testDescription: "extensible along the second axis") {
      .init(shape: [9, 31], maxima: [12, nil], chunking: .chunked([4, 4]))
    },
    Form(testDescription: "long extensible array") {
      .init(shape: [60_000], maxima: [nil], chunking: .chunked([2]))
    },
    Form(testDescription: "version 2 B-tree") {
      .init(shape: [31, 9, 4], maxima: [nil, nil, 4], chunking: .chunked([4, 4, 3]))
    },
    Form(testDescription: "deep version 2 B-tree") {
      .init(shape: [220, 80], maxima: [nil, nil], chunking: .chunked([2, 1]))
    },
    Form(testDescription: "unfiltered edges") {
      .init(
        shape: [31, 9], maxima: [nil, 9], chunking: .chunked([4, 4]), leavesEdgesUnfiltered: true)
    },
  ]

  private static let filterSets: [[LibraryWriter.Filter]] = [
    [], [.deflate], [.shuffle, .deflate, .fletcher32], [.fletcher32, .shuffle],
  ]

  @Test(arguments: forms, [false, true])
  func readsWhatTheLibraryWrote(_ form: Form, _ usesLatestFormat: Bool) throws {
    let folder = TemporaryFolder()
    var dataset = form.makeDataset()
    for (round, filters) in Self.filterSets.enumerated() {
      if case .chunked = dataset.chunking {
        // An implicit index has no room for filtered chunks.
        if dataset.allocatesEarly && !filters.isEmpty { continue }
        dataset.filters = filters
      } else if !filters.isEmpty {
        continue
      }
      var generator = SeededGenerator(seed: UInt64(round))
      let values = generator.floats(dataset.shape.reduce(1, *))
      let path = folder.file("\(round).h5")
      do {
        let writer = LibraryWriter(path: path, usesLatestFormat: usesLatestFormat)
        writer.write("x", dataset, values)
      }
      let file = try HDF5File(path: path)
      #expect(file.info(of: "x")?.shape == dataset.shape)
      #expect(try file.floats("x") == values, "filters \(filters)")
    }
  }

  @Test(arguments: forms, [false, true])
  func missingChunksTakeTheFillValue(_ form: Form, _ usesLatestFormat: Bool) throws {
    let dataset = form.makeDataset()
    guard case .chunked(let chunk) = dataset.chunking else { return }
    let folder = TemporaryFolder()
    let path = folder.file("partial.h5")
    let written = min(chunk[0], dataset.shape[0])
    let rowCount = dataset.shape.dropFirst().reduce(1, *)
    var generator = SeededGenerator(seed: 7)
    let values = generator.floats(written * rowCount)
    do {
      let writer = LibraryWriter(path: path, usesLatestFormat: usesLatestFormat)
      writer.write("x", dataset, values, writtenRows: written)
    }
    let zeros = [Float](repeating: 0, count: (dataset.shape[0] - written) * rowCount)
    #expect(try HDF5File(path: path).floats("x") == values + zeros)
  }

  /// Many names make the library use dense storage and trees of several levels.
  @Test(arguments: [10, 700, 5000], [false, true])
  func findsManyNames(_ count: Int, _ usesLatestFormat: Bool) throws {
    let folder = TemporaryFolder()
    let path = folder.file("names.h5")
    do {
      let writer = LibraryWriter(path: path, usesLatestFormat: usesLatestFormat)
      writer.makeGroup("group")
      for index in 0..<count {
        writer.write("group/tensor.\(index).of.a.long.name", .init(shape: [1]), [Float(index)])
      }
    }
    let file = try HDF5File(path: path)
    #expect(file.tensors.count == count)
    for index in stride(from: 0, to: count, by: 97) {
      #expect(try file.floats("group/tensor.\(index).of.a.long.name") == [Float(index)])
    }
  }
}
