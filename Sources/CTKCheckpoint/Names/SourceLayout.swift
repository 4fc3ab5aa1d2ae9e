/// How the tensors of a source are named and oriented.
public enum SourceLayout: String, Sendable, CaseIterable {
  /// State-dict names with dots (or groups), matrices as [out, in].
  case pytorch
  /// Variable names with slashes, dense kernels as [in, out].
  case tensorflow

  /// Decides by names alone: square matrices look the same in both.
  ///
  /// TensorFlow variables end in `:0`, or in the leaf `kernel` below a slash.
  package static func detect(_ names: some Sequence<String>) -> SourceLayout {
    names.contains { name in
      let path = VariablePath(name)
      return path.hasOutputNumber || (path.components.count > 1 && path.components.last == "kernel")
    } ? .tensorflow : .pytorch
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
