import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

/// Every tensor of the BERT fixture in its HDF5 forms, against the PyTorch reference.
@Suite(.tags(.format)) struct CheckpointValuesTests {
  private let reference: SafetensorsReference

  init() throws {
    reference = try SafetensorsReference("checkpoints/bert/pt/model.safetensors")
  }

  @Test(arguments: ["flat.h5", "flat-gzip.h5"])
  func flatFilesHoldTheReferenceBitForBit(_ name: String) throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/bert/flat/" + name))
    #expect(Set(file.tensors.map(\.name)) == Set(reference.names))
    for info in file.tensors {
      #expect(info.dtype == .f32)
      #expect(info.shape == reference.shape(of: info.name))
      #expect(try file.floats(info.name) == reference.floats(info.name), "\(info.name)")
    }
    #expect(file.findings.isEmpty)
  }

  @Test func halfPrecisionIsTheRoundedReference() throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/bert/flat/flat-f16.h5"))
    #expect(file.tensors.count == reference.names.count)
    for info in file.tensors {
      #expect(info.dtype == .f16)
      let rounded = reference.floats(info.name)?.map { Float(Float16($0)) }
      #expect(try file.floats(info.name) == rounded, "\(info.name)")
    }
  }

  /// TensorFlow stores kernels as [in, out] and names tensors its own way.
  @Test(
    arguments: [
      (
        "tf", "bert/tf_bert_for_sequence_classification/",
        "classifier/tf_bert_for_sequence_classification/"
      ),
      ("tf-unscoped", "bert/", "classifier/"),
    ])
  func tensorFlowFilesHoldTheReference(_ folder: String, _ base: String, _ head: String) throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/bert/\(folder)/tf_model.h5"))
    #expect(file.tensors.count == reference.names.count)
    for name in reference.names {
      let prefix = name.hasPrefix("classifier") ? head : base
      let found = try #require(
        file.tensors.first { $0.name.hasPrefix(prefix) && Self.canonical($0.name, prefix) == name },
        "no dataset for \(name)")
      let shape = try #require(reference.shape(of: name))
      let values = try #require(reference.floats(name))
      if found.name.hasSuffix("/kernel:0") {
        #expect(found.shape == shape.reversed())
        #expect(
          try file.floats(found.name) == transposed(values, rows: shape[0], columns: shape[1]))
      } else {
        #expect(found.shape == shape)
        #expect(try file.floats(found.name) == values, "\(name)")
      }
    }
  }

  /// The PyTorch name of a Keras dataset.
  private static func canonical(_ dataset: String, _ prefix: String) -> String {
    var parts = dataset.dropFirst(prefix.count).split(separator: "/").map(String.init)
    let leaf = parts.removeLast()
    let isWordTable = parts.last == "word_embeddings"
    let leaves = [
      "kernel:0": "weight", "gamma:0": "weight", "beta:0": "bias", "bias:0": "bias",
      "embeddings:0": "weight", "weight:0": isWordTable ? "weight" : "",
    ]
    let path = parts.map { $0.replacingPrefix("layer_._", with: "layer.") }
    return (path + [leaves[leaf] ?? ""]).joined(separator: ".")
  }

  @Test func layerAndWeightNamesAreRead() throws {
    let file = try HDF5File(path: Fixtures.path("checkpoints/bert/tf/tf_model.h5"))
    #expect(try file.stringAttribute("backend", of: "") == "tensorflow")
    let layers = try #require(try file.stringListAttribute("layer_names", of: ""))
    #expect(layers == ["bert", "dropout_7", "classifier"])
    var listed = 0
    for layer in layers {
      for name in try #require(try file.stringListAttribute("weight_names", of: layer)) {
        #expect(file.info(of: "\(layer)/\(name)") != nil, "\(layer)/\(name)")
        listed += 1
      }
    }
    #expect(listed == file.tensors.count)
    #expect(try file.stringAttribute("no such attribute", of: "") == nil)
    #expect(try file.stringListAttribute("weight_names", of: "no such group") == nil)
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}
