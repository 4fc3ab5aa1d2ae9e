import CTKCore

/// The TensorFlow variable that a canonical tensor becomes.
struct TensorFlowVariable {
  let source: TensorInfo
  /// Without a layer group, a scope or an output number, as in `bert/pooler/dense/kernel`.
  let path: String
  let isTransposed: Bool

  /// Top-level layer of the Keras model.
  var layer: Substring { path.prefix { $0 != "/" } }

  var shape: [Int] { isTransposed ? source.shape.reversed() : source.shape }

  /// Bytes of the variable, of the source's element type.
  func withBytes<Result>(
    of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    guard isTransposed else { return try body(bytes) }
    let scratch = ScratchBuffer(byteCount: bytes.count)
    MatrixTranspose.transpose(
      bytes, rows: source.shape[0], columns: source.shape[1], to: scratch.bytes)
    return try body(UnsafeRawBufferPointer(scratch.bytes))
  }
}

/// Canonical names turned into those of transformers' TensorFlow classes.
package struct VariableNaming {
  private let table: any NameTable
  private let lines: [String: NamePattern]

  init(_ schema: ArchitectureSchema) {
    table = schema.nameTable(for: .pytorch)
    lines = Dictionary(
      schema.tensorFlow.names.map { ($0.target, NamePattern($0.name, separator: "/")) },
      uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: `export.name-missing` for a tensor that those classes lack.
  func variable(of info: TensorInfo) throws(CheckpointError) -> TensorFlowVariable {
    guard case .target(let pattern, let layer, _, _) = table.match(info.name),
      let line = lines[pattern.name.text]
    else {
      throw CheckpointError(
        .exportNameMissing, "the TensorFlow classes of transformers have no '\(info.name)'",
        hint: "export --to safetensors keeps every tensor")
    }
    let path = line.name(layer: layer)
    return TensorFlowVariable(source: info, path: path, isTransposed: path.hasSuffix("/kernel"))
  }

  /// The name that Keras gives a model of a class: words in lower case, as in
  /// `tf_bert_for_masked_lm`.
  package static func scope(ofClass name: String) -> String {
    let characters = Array("TF" + name)
    var result = ""
    for (position, character) in characters.enumerated() {
      if position > 0 && character.isUppercase {
        let startsWord =
          position + 1 < characters.count && !characters[position + 1].isUppercase
        if startsWord || !characters[position - 1].isUppercase { result.append("_") }
      }
      result += character.lowercased()
    }
    return result
  }
}
