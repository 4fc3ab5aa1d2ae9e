/// The elements of a list, whole numbers packed: some files list one for every changed weight.
enum PickleList: Sendable {
  case integers([Int])
  case values([PickleValue])

  var elements: [PickleValue] {
    switch self {
    case .integers(let numbers): numbers.map { .integer($0) }
    case .values(let values): values
    }
  }

  /// The elements when all are whole numbers of 64 bits.
  var integers: [Int]? {
    if case .integers(let numbers) = self { numbers } else { nil }
  }

  mutating func append(_ added: some Collection<PickleValue>) {
    switch self {
    case .integers(var numbers):
      // Only one of self and numbers may hold the array while it grows.
      self = .values([])
      guard let more = Self.integers(added) else {
        self = .values(numbers.map { .integer($0) } + added)
        return
      }
      numbers += more
      self = .integers(numbers)
    case .values(var values):
      self = .values([])
      values += added
      self = .values(values)
    }
  }

  static func integers(_ values: some Collection<PickleValue>) -> [Int]? {
    var numbers: [Int] = []
    numbers.reserveCapacity(values.count)
    for value in values {
      guard case .integer(let number) = value else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
