package import CTKCore

extension TaskData {
  /// Identity of the examples and their order (`formats/run.md`, data digest).
  package var digest: Digest {
    var hasher = StreamingDigest()
    let further = furtherDev.map { ("dev \($0.name ?? "")", $0.examples) }
    for (name, examples) in [("train", train), ("dev", dev)] + further {
      var bytes: [UInt8] = []
      bytes.append(counted: name)
      bytes += "\(examples.count)\n".utf8
      for example in examples { bytes.append(example) }
      hasher.update(bytes)
    }
    return hasher.finalize()
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ example: Example) {
    if let words = example.words {
      for word in words { append(counted: word, as: "w") }
    } else {
      append(counted: example.text, as: "t")
    }
    if let pair = example.pair { append(counted: pair, as: "p") }
    switch example.label {
    case .classID(let id): self += "c\(id)".utf8
    case .score(let value): self += "s\(value.bitPattern)".utf8
    case .tags(let ids): self += "g\(ids.map(String.init).joined(separator: ","))".utf8
    case .none: self += "u".utf8
    }
    self += "\n".utf8
  }

  /// Appends a string behind its byte count, which keeps neighbours apart.
  fileprivate mutating func append(counted text: String, as kind: String = "") {
    self += kind.utf8
    self += String(text.utf8.count).utf8
    self += ":".utf8
    self += text.utf8
  }
}
