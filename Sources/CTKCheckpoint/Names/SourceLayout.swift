/// How the tensors of a source are named and oriented.
public enum SourceLayout: String, Sendable, CaseIterable {
  /// State-dict names with dots (or groups), matrices as [out, in].
  case pytorch
  /// Variable names with slashes, dense kernels as [in, out].
  case tensorflow
  /// Variable names of the original releases of BERT, ELECTRA and XLNet, dense kernels as
  /// [in, out].
  case original
  /// Variables of transformers' TensorFlow classes in files of Keras 3: paths of attributes and
  /// classes down to `vars/0`.
  case tensorflowObjects = "tensorflow-objects"
  /// Models of KerasHub in files of Keras 3: paths of attributes down to `vars/0`, `vars/1` and
  /// so on.
  case keras
  /// Keras 3 in the older form of whole models: names of layers, leaves like `kernel`.
  case kerasLegacy = "keras-legacy"

  /// Decides by names alone: square matrices look the same in all.
  ///
  /// Variables of Keras 3 are numbered below `vars`, where classes whose names begin with `tf` are
  /// those of transformers; the original releases number their layers without a dot; TensorFlow
  /// variables end in `:0`, or in the leaf `kernel` below a slash, which Keras' own models share
  /// but for their layers' names.
  package static func detect(_ names: some Sequence<String>) -> SourceLayout {
    var hasKernels = false
    var hasKerasLayers = false
    var hasNumbers = false
    for name in names {
      let path = VariablePath(name)
      if OriginalNames.isVariable(path.components) { return .original }
      if path.hasOutputNumber { return .tensorflow }
      if KerasPath.isVariable(path.components) { hasNumbers = true }
      if hasNumbers, path.components.contains(where: TensorFlowObjectNames.isClass) {
        return .tensorflowObjects
      }
      if path.components.count > 1 && path.components.last == "kernel" { hasKernels = true }
      if path.components.contains(where: KerasPath.isLayer) { hasKerasLayers = true }
    }
    if hasNumbers { return .keras }
    return hasKernels ? (hasKerasLayers ? .kerasLegacy : .tensorflow) : .pytorch
  }
}

/// A TensorFlow variable name: slash-separated components and an output number.
struct VariablePath {
  let components: [Substring]
  /// Whether the name ended in `:<digits>`, which `components` lacks.
  let hasOutputNumber: Bool

  init(_ name: String) {
    let colon = name.lastIndex(of: ":")
    let digits = colon.map { name[name.index(after: $0)...] } ?? ""
    hasOutputNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    let path = hasOutputNumber ? name[..<(colon ?? name.endIndex)] : name[...]
    components = path.split(separator: "/", omittingEmptySubsequences: false)
  }
}
