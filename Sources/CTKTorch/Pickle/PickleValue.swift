/// A value that a pickle describes.
///
/// Containers and tensors are numbers into a `PickleHeap`, so that values are small, cycles
/// hold nothing alive and deep nesting needs no recursion.
enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer beyond 64 bits.
  case hugeInteger
  case real(Double)
  case text(String)
  case global(TorchGlobal)
  case tuple(Int)
  /// A list or a set.
  case list(Int)
  case dictionary(Int)
  case storage(Int)
  case tensor(Int)
  /// A byte string or a device: known to be harmless, of no use here.
  case opaque

  /// What the value is, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a boolean"
    case .integer, .hugeInteger: "an integer"
    case .real: "a float"
    case .text: "a string"
    case .global: "a class or function"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .opaque: "an object"
    }
  }
}

/// The containers and descriptions that a pickle builds.
struct PickleHeap: Sendable {
  typealias Entry = (key: PickleValue, value: PickleValue)

  private(set) var tuples: [[PickleValue]] = []
  private(set) var lists: [PickleList] = []
  private(set) var dictionaries: [[Entry]] = []
  private(set) var storages: [StorageRecord] = []
  private(set) var tensors: [TensorDescription] = []
  private var storageOfKey: [String: Int] = [:]

  mutating func addTuple(_ elements: some Sequence<PickleValue>) -> PickleValue {
    tuples.append(Array(elements))
    return .tuple(tuples.count - 1)
  }

  mutating func addList() -> PickleValue {
    lists.append(.integers([]))
    return .list(lists.count - 1)
  }

  mutating func addDictionary() -> PickleValue {
    dictionaries.append([])
    return .dictionary(dictionaries.count - 1)
  }

  mutating func append(_ elements: some Collection<PickleValue>, toList list: Int) {
    lists[list].append(elements)
  }

  mutating func set(_ key: PickleValue, _ value: PickleValue, inDictionary dictionary: Int) {
    dictionaries[dictionary].append((key, value))
  }

  mutating func addTensor(_ tensor: TensorDescription) -> PickleValue {
    tensors.append(tensor)
    return .tensor(tensors.count - 1)
  }

  /// The storage of a key; nil when the key has another type or size already.
  mutating func addStorage(_ record: StorageRecord) -> PickleValue? {
    if let known = storageOfKey[record.key] {
      return storages[known] == record ? .storage(known) : nil
    }
    storageOfKey[record.key] = storages.count
    storages.append(record)
    return .storage(storages.count - 1)
  }
}
