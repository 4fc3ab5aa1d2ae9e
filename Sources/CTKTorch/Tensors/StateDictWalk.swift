import CTKCore

/// The named tensors below a pickled dictionary.
///
/// Names of nested containers are joined by slashes, so a training wrapper's tensors are called
/// `state_dict/...`. Each container is visited once, whatever refers to it.
struct StateDictWalk {
  private(set) var tensors: [(name: String, tensor: TensorDescription)] = []
  /// Lists and tuples that hold whole numbers and nothing else, by name.
  private(set) var integerLists: [String: [Int]] = [:]
  private(set) var findings: [String] = []

  private let heap: PickleHeap
  private var pending: [(name: String, depth: Int, value: PickleValue)] = []
  private var visited: Set<Int> = []
  private var names: Set<String> = []
  private var otherNames: [String] = []
  private var otherCount = 0

  private static let otherNameLimit = 8

  /// - Throws: `torch.root-invalid`, `torch.name-repeated`, `torch.limit-exceeded`.
  init(root: PickleValue, heap: PickleHeap) throws(TorchError) {
    self.heap = heap
    guard case .dictionary = root else {
      throw TorchError(
        .rootInvalid, "the file holds \(root.kind), not a dictionary of named tensors",
        hint: "save a state dict: torch.save(model.state_dict(), 'weights.pt')")
    }
    try visit(root, name: "", depth: 0)
    while let (name, depth, value) = pending.popLast() {
      try visit(value, name: name, depth: depth)
    }
    tensors.sort { utf8Precedes($0.name, $1.name) }
    if otherCount > 0 { findings.append(othersFinding) }
  }

  private mutating func visit(
    _ value: PickleValue, name: String, depth: Int
  ) throws(TorchError) {
    switch value {
    case .tensor(let tensor): try add(heap.tensors[tensor], named: name)
    case .dictionary(let dictionary):
      guard try enter(value, at: name, depth: depth) else { return }
      try push(heap.dictionaries[dictionary], below: name, depth: depth)
    case .list(let list):
      guard try enter(value, at: name, depth: depth) else { return }
      try visit(heap.lists[list], name: name, depth: depth)
    case .tuple(let tuple):
      guard try enter(value, at: name, depth: depth) else { return }
      let elements = heap.tuples[tuple]
      let list = PickleList.integers(elements).map { PickleList.integers($0) } ?? .values(elements)
      try visit(list, name: name, depth: depth)
    default: break
    }
  }

  private mutating func visit(
    _ list: PickleList, name: String, depth: Int
  ) throws(TorchError) {
    if let integers = list.integers, !integers.isEmpty {
      integerLists[name] = integers
    } else {
      try push(numbered(list.elements), below: name, depth: depth)
    }
  }

  private mutating func add(_ tensor: TensorDescription, named name: String) throws(TorchError) {
    guard names.insert(name).inserted else {
      throw TorchError(.nameRepeated, "two tensors are named '\(name)'")
    }
    guard tensors.count < TorchLimits.tensorCount else {
      throw TorchError(
        .limitExceeded, "the file has more than \(TorchLimits.tensorCount) tensors")
    }
    tensors.append((name, tensor))
  }

  /// Whether a container is met for the first time.
  private mutating func enter(
    _ value: PickleValue, at name: String, depth: Int
  ) throws(TorchError) -> Bool {
    guard let identity = value.containerIdentity, visited.insert(identity).inserted else {
      findings.append("'\(name)' is a container met before; its tensors are listed once")
      return false
    }
    guard depth <= TorchLimits.nestingDepth, visited.count <= TorchLimits.containerCount else {
      throw TorchError(
        .limitExceeded,
        "containers are nested more than \(TorchLimits.nestingDepth) deep, or there are more "
          + "than \(TorchLimits.containerCount)")
    }
    return true
  }

  private func numbered(_ elements: [PickleValue]) -> [PickleHeap.Entry] {
    elements.enumerated().map { (.integer($0), $1) }
  }

  /// Leaves the entries to be visited in their order, before what is pending already.
  private mutating func push(
    _ entries: [PickleHeap.Entry], below name: String, depth: Int
  ) throws(TorchError) {
    let first = pending.count
    for (key, value) in entries {
      guard value.mayHoldTensors, let key = key.nameComponent else {
        count(value, key: key, below: name)
        continue
      }
      let child = name.isEmpty ? key : "\(name)/\(key)"
      guard child.utf8.count <= TorchLimits.nameByteCount else {
        throw TorchError(
          .limitExceeded, "a name has more than \(TorchLimits.nameByteCount) bytes")
      }
      pending.append((child, depth + 1, value))
    }
    pending[first...].reverse()
  }

  private mutating func count(_ value: PickleValue, key: PickleValue, below name: String) {
    otherCount += 1
    guard otherNames.count < Self.otherNameLimit else { return }
    let key = key.nameComponent.map { String($0.prefix(TorchLimits.nameByteCount)) }
    let path = name.isEmpty ? (key ?? "?") : "\(name)/\(key ?? "?")"
    otherNames.append("'\(path)' (\(value.kind))")
  }

  private var othersFinding: String {
    let more = otherCount - otherNames.count
    return "entries that are no tensors were not read: "
      + otherNames.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }
}

extension PickleValue {
  /// Text, or a whole number as optimizers use for their parameters.
  fileprivate var nameComponent: String? {
    switch self {
    case .text(let text): text
    case .integer(let number): String(number)
    default: nil
    }
  }

  fileprivate var mayHoldTensors: Bool {
    switch self {
    case .tensor, .dictionary, .list, .tuple: true
    default: false
    }
  }

  /// A number that no other container has.
  fileprivate var containerIdentity: Int? {
    switch self {
    case .dictionary(let number): number * 3
    case .list(let number): number * 3 + 1
    case .tuple(let number): number * 3 + 2
    default: nil
    }
  }
}
