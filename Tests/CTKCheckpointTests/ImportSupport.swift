import CTKCheckpoint
import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation

/// A reference checkpoint of `fixtures/checkpoints`.
func checkpoint(_ name: String) -> String { Fixtures.path("checkpoints/" + name) }

/// A model of `fixtures/checkpoints/malformed/models`.
func model(_ name: String) -> String { checkpoint("malformed/models/" + name) }

/// Imports into a fresh folder and returns the report.
@discardableResult
func runImport(
  _ source: String, into folder: TemporaryFolder = TemporaryFolder(), as name: String = "out",
  _ options: ImportOptions = ImportOptions()
) throws -> ImportReport {
  try Importer.run(source: source, output: folder.file(name), options: options)
}

/// The code of the failure that `body` ends with, or nil.
func failureCode(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as any Diagnosable {
    return error.code
  } catch {
    return "\(error)"
  }
}

/// Bytes of a file.
func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

extension TensorSource {
  /// A copy of a tensor's bytes.
  func bytes(of name: String) throws -> [UInt8] {
    try withTensorBytes(name) { Array($0) }
  }
}

/// The one-layer BERT of `malformed/models/ok`, to be changed in memory.
struct SmallBert {
  var tensors = TensorCollection()
  var configuration: JSONObject

  init() throws {
    let source = try SafetensorsFile(path: model("ok/model.safetensors"))
    configuration = try JSONParser.parseFile(model("ok/config.json")).objectValue ?? JSONObject()
    for info in source.tensors {
      try tensors.set(
        info.name, dtype: info.dtype, shape: info.shape, bytes: try source.bytes(of: info.name))
    }
  }

  mutating func rename(_ old: String, _ new: String) throws {
    let info = try tensors.requireInfo(of: old)
    let bytes = try tensors.bytes(of: old)
    tensors.remove(old)
    try tensors.set(new, dtype: info.dtype, shape: info.shape, bytes: bytes)
  }

  mutating func add(_ name: String, copying other: String, flippingByte: Int? = nil) throws {
    let info = try tensors.requireInfo(of: other)
    var bytes = try tensors.bytes(of: other)
    if let flippingByte { bytes[flippingByte] ^= 1 }
    try tensors.set(name, dtype: info.dtype, shape: info.shape, bytes: bytes)
  }

  /// Writes a Hugging Face folder and returns its path.
  func write(into folder: TemporaryFolder, as name: String = "source") throws -> String {
    let path = folder.file(name)
    try Folder.create(path)
    var writer = try SafetensorsWriter(path: path + "/model.safetensors", tensors: tensors.tensors)
    for info in writer.order {
      try tensors.withTensorBytes(info.name) { try writer.write($0) }
    }
    try writer.commit()
    try folder.write(name + "/config.json", Array(JSONValue.object(configuration).prettyText.utf8))
    return path
  }
}
