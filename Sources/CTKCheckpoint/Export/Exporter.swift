public import CTKCore
import CTKHDF5
import CTKSafetensors

/// The way back from a canonical folder into the ecosystem's other containers.
public enum Exporter {
  /// Runs an export.
  ///
  /// Tensors are read and written one at a time. The output folder appears as a whole or not at
  /// all; it holds the weights, the configuration and the tokenizer.
  ///
  /// - Parameters:
  ///   - model: a canonical checkpoint.
  ///   - output: the folder to create.
  ///   - progress: told after every tensor.
  /// - Throws: `export.name-missing`, `hdf5.write-failed`, the codes of opening and reading the
  ///   model, `output.*`.
  public static func run(
    model: String, output: String, format: ExportFormat, replacesExisting: Bool = false,
    progress: ProgressHandler? = nil
  ) throws(CheckpointError) -> ExportReport {
    let checkpoint = try Checkpoint.open(model)
    let folder = try CheckpointError.wrap { () throws(CoreError) in
      try AtomicFolder(path: output, replacesExisting: replacesExisting)
    }
    let weightsFile = format == .hdf5 ? "tf_model.h5" : CheckpointFolder.weights
    var export = WeightsWriting(checkpoint: checkpoint, progress: progress)
    let path = folder.path(of: weightsFile)
    try CheckpointError.catching {
      switch format {
      case .safetensors: try export.writeSafetensors(path)
      case .kerasNames: try export.writeVariables(path)
      case .hdf5: try export.writeHDF5(path)
      }
    }
    let files = ([weightsFile, CheckpointFolder.configuration] + checkpoint.tokenizerFiles)
      .sorted(by: utf8Precedes)
    do {
      let configuration = configuration(of: checkpoint, widened: export.widenedCount > 0)
      try SmallFile.write(
        configuration.prettyText, to: folder.path(of: CheckpointFolder.configuration))
      for name in checkpoint.tokenizerFiles {
        try SmallFile.write(readSmallFile(model + "/" + name), to: folder.path(of: name))
      }
      try folder.commit()
    } catch {
      throw CheckpointError(wrapping: error)
    }
    return ExportReport(
      format: format, weightsFile: weightsFile, tensorCount: checkpoint.weights.tensors.count,
      byteCount: export.byteCount, widenedCount: export.widenedCount,
      fingerprint: Fingerprint.checkpoint(export.digests), files: files)
  }

  private static func configuration(of checkpoint: Checkpoint, widened: Bool) -> JSONValue {
    guard widened, var fields = checkpoint.configurationJSON.objectValue else {
      return checkpoint.configurationJSON
    }
    for key in ["dtype", "torch_dtype"] where fields[key] != nil { fields[key] = "float32" }
    return .object(fields)
  }
}

/// The weights of one export, tensor by tensor.
private struct WeightsWriting {
  let checkpoint: Checkpoint
  let progress: ProgressHandler?
  /// Of the checkpoint's own tensors.
  private(set) var digests: [(name: String, digest: Digest)] = []
  private(set) var byteCount = 0
  private(set) var widenedCount = 0

  init(checkpoint: Checkpoint, progress: ProgressHandler?) {
    self.checkpoint = checkpoint
    self.progress = progress
  }

  mutating func writeSafetensors(_ path: String) throws {
    var writer = try SafetensorsWriter(
      path: path, tensors: checkpoint.weights.tensors, metadata: ["format": "pt"])
    for info in writer.order {
      try withTensor(info) { bytes, _ in try writer.write(bytes) }
      byteCount += info.byteCount
    }
    try writer.commit()
  }

  /// Names end in `:0`, as those of TensorFlow's variables do.
  mutating func writeVariables(_ path: String) throws {
    let variables = try self.variables()
    let byName = Dictionary(
      variables.map { ($0.path + ":0", $0) }, uniquingKeysWith: { first, _ in first })
    let targets = try variables.map { variable in
      try TensorInfo(
        name: variable.path + ":0", dtype: variable.source.dtype, shape: variable.shape)
    }
    var writer = try SafetensorsWriter(path: path, tensors: targets, metadata: ["format": "tf"])
    for target in writer.order {
      guard let variable = byName[target.name] else { continue }
      try withTensor(variable.source) { bytes, _ in
        try variable.withBytes(of: bytes) { try writer.write($0) }
      }
      byteCount += target.byteCount
    }
    try writer.commit()
  }

  mutating func writeHDF5(_ path: String) throws {
    let variables = try self.variables()
    let layout = KerasLayout(variables, schema: schema, className: className)
    let writer = try HDF5Writer(path: path)
    for variable in variables {
      try withTensor(variable.source) { bytes, export in
        try export.withSingles(variable.source, bytes) { singles in
          try variable.withBytes(of: singles) { values in
            try writer.write(layout.place(of: variable), shape: variable.shape, values)
          }
        }
      }
      byteCount += 4 * variable.source.elementCount
    }
    try layout.finish(writer)
    try writer.close()
  }

  private var schema: ArchitectureSchema { .of(checkpoint.configuration.architecture) }

  /// By layer, then by name.
  private func variables() throws(CheckpointError) -> [TensorFlowVariable] {
    let naming = VariableNaming(schema)
    var variables: [TensorFlowVariable] = []
    for info in checkpoint.weights.tensors { variables.append(try naming.variable(of: info)) }
    return variables.sorted { utf8Precedes($0.path, $1.path) }
  }

  private var className: String {
    let names = checkpoint.configurationJSON["architectures"]?.arrayValue ?? []
    return names.lazy.compactMap(\.stringValue).first ?? schema.classPrefixes[0] + "Model"
  }

  /// Lends a tensor, takes its digest and gives its memory back.
  private mutating func withTensor(
    _ info: TensorInfo,
    _ body: (UnsafeRawBufferPointer, inout WeightsWriting) throws -> Void
  ) throws {
    let weights = checkpoint.weights
    try weights.withTensorBytes(info.name) { bytes in
      digests.append((info.name, Fingerprint.tensor(info, bytes: bytes)))
      try body(bytes, &self)
    }
    weights.discard(info.name)
    progress?(
      ProgressEvent(
        stage: "export", completed: digests.count, total: weights.tensors.count, unit: "tensors"))
  }

  /// The values as f32, which every narrower float is exactly.
  private mutating func withSingles(
    _ info: TensorInfo, _ bytes: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if info.dtype == .f32 { return try body(bytes) }
    guard info.dtype == .f16 || info.dtype == .bf16 else {
      throw CheckpointError(
        .dtypeUnsupported,
        "'\(info.name)' holds \(info.dtype.rawValue), which f32 cannot hold exactly",
        hint: "import it with --dtype f32 first")
    }
    widenedCount += 1
    let singles = ScratchBuffer(byteCount: 4 * info.elementCount)
    _ = FloatCast.convert(bytes, info.dtype, to: singles.bytes, .f32)
    try body(UnsafeRawBufferPointer(singles.bytes))
  }
}
