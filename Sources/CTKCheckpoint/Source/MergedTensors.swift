import CTKCore

/// Several sources as one, their names told apart by a prefix.
struct MergedTensors: TensorSource {
  struct Part: Sendable {
    let prefix: String
    let source: SourceTensors
  }

  let tensors: [TensorInfo]
  private let parts: [Part]
  private let partOfTensor: [UTF8Key: Int]

  init(_ parts: [Part]) {
    self.parts = parts
    var tensors: [TensorInfo] = []
    var partOfTensor: [UTF8Key: Int] = [:]
    for (position, part) in parts.enumerated() {
      for info in part.source.tensors {
        let renamed = info.renamed(part.prefix + info.name)
        tensors.append(renamed)
        partOfTensor[UTF8Key(renamed.name)] = position
      }
    }
    self.tensors = tensors.sorted { utf8Precedes($0.name, $1.name) }
    self.partOfTensor = partOfTensor
  }

  var findings: [String] { parts.flatMap(\.source.findings) }

  func info(of name: String) -> TensorInfo? {
    place(of: name).flatMap { $0.source.info(of: $0.name)?.renamed(name) }
  }

  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let place = place(of: name) else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    return try place.source.withTensorBytes(place.name, body)
  }

  func discard(_ name: String, _ part: Range<Int>?) {
    if let place = place(of: name) { place.source.discard(place.name, part) }
  }

  private func place(of name: String) -> (source: SourceTensors, name: String)? {
    partOfTensor[UTF8Key(name)].map { position in
      let part = parts[position]
      return (part.source, String(Substring(name.utf8.dropFirst(part.prefix.utf8.count))))
    }
  }
}
