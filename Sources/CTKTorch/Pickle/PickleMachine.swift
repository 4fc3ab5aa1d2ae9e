import CTKCore

/// Interpreter of the pickles that torch writes.
///
/// It carries out an allow-list of opcodes, knows the allow-list of `TorchGlobal`, and builds
/// descriptions of tensors in a heap. Memory is bounded by `TorchLimits`, and so is time.
struct PickleMachine {
  private(set) var heap = PickleHeap()
  private var cursor: PickleCursor
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// Where the instruction being carried out begins.
  private var instruction = 0

  private static let protocols: ClosedRange<UInt8> = 2...5

  /// Carries out a whole pickle.
  ///
  /// - Returns: the pickled value and the heap it points into.
  /// - Throws: `torch.pickle-damaged`, `torch.opcode-refused`, `torch.global-refused`,
  ///   `torch.dtype-unsupported`, `torch.storage-invalid`, `torch.view-invalid`,
  ///   `torch.limit-exceeded`.
  static func run(
    _ bytes: UnsafeRawBufferPointer
  ) throws(TorchError) -> (root: PickleValue, heap: PickleHeap) {
    var machine = PickleMachine(cursor: PickleCursor(bytes))
    let root = try machine.run()
    return (root, machine.heap)
  }

  private init(cursor: PickleCursor) { self.cursor = cursor }

  private mutating func run() throws(TorchError) -> PickleValue {
    // Every instruction takes a byte, so the pickle's size bounds their number.
    while true {
      instruction = cursor.position
      let code = try cursor.byte()
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw TorchError(.pickleDamaged, "byte \(instruction) of the pickle, \(code), is no opcode")
      }
      if instruction == 0 && opcode != .proto {
        throw TorchError(.pickleDamaged, "the pickle does not begin with its protocol")
      }
      if opcode == .stop { return try finish() }
      try perform(opcode)
      guard stack.count <= TorchLimits.stackDepth, marks.count <= TorchLimits.stackDepth else {
        throw TorchError(
          .limitExceeded, "the pickle needs more than \(TorchLimits.stackDepth) values at once")
      }
    }
  }

  private mutating func finish() throws(TorchError) -> PickleValue {
    guard stack.count == 1, marks.isEmpty, let root = stack.first else {
      throw damaged("STOP finds \(stack.count) values, not one")
    }
    guard cursor.remaining == 0 else {
      throw damaged("\(cursor.remaining) bytes follow the end of the pickle")
    }
    return root
  }

  func damaged(_ text: String) -> TorchError {
    TorchError(.pickleDamaged, "\(text), at byte \(instruction) of the pickle")
  }
}

// MARK: Instructions

extension PickleMachine {
  private mutating func perform(_ opcode: PickleOpcode) throws(TorchError) {
    switch opcode {
    case .proto: try checkProtocol()
    case .frame: _ = try cursor.length(UInt64.self)
    case .mark: marks.append(stack.count)

    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.integer(Int(try cursor.number(Int32.self))))
    case .binInt1: stack.append(.integer(Int(try cursor.byte())))
    case .binInt2: stack.append(.integer(Int(try cursor.number(UInt16.self))))
    case .long1: try pushLong(try cursor.length(UInt8.self))
    case .long4: try pushLong(try cursor.length(Int32.self))
    case .binFloat:
      let bits = try cursor.number(UInt64.self).byteSwapped
      stack.append(.real(Double(bitPattern: bits)))

    case .shortBinUnicode, .shortBinString: try pushText(try cursor.length(UInt8.self))
    case .binUnicode, .binString: try pushText(try cursor.length(UInt32.self))
    case .binUnicode8: try pushText(try cursor.length(UInt64.self))
    case .shortBinBytes: try pushBytes(try cursor.length(UInt8.self))
    case .binBytes: try pushBytes(try cursor.length(UInt32.self))
    case .binBytes8: try pushBytes(try cursor.length(UInt64.self))

    case .emptyTuple: stack.append(heap.addTuple([]))
    case .tuple1: try pushTuple(of: 1)
    case .tuple2: try pushTuple(of: 2)
    case .tuple3: try pushTuple(of: 3)
    case .tuple: stack.append(heap.addTuple(try popMarked()))
    case .emptyList, .emptySet: stack.append(heap.addList())
    case .emptyDictionary: stack.append(heap.addDictionary())
    case .append: try append([try pop()])
    case .appends, .addItems: try append(try popMarked())
    case .setItem:
      let value = try pop()
      try setItems([try pop(), value])
    case .setItems: try setItems(try popMarked())

    case .binPut: memo[Int(try cursor.byte())] = try top()
    case .longBinPut: memo[Int(try cursor.number(UInt32.self))] = try top()
    case .memoize: memo[memo.count] = try top()
    case .binGet: try pushMemo(Int(try cursor.byte()))
    case .longBinGet: try pushMemo(Int(try cursor.number(UInt32.self)))

    case .global:
      let module = try cursor.line()
      stack.append(.global(try global(module, try cursor.line())))
    case .stackGlobal: try pushStackGlobal()
    case .binPersistentID: try pushStorage()
    case .reduce: try reduce()
    case .build: try build()

    default:
      throw TorchError(
        .opcodeRefused,
        "the pickle uses \(opcode.refusedName) at byte \(instruction), which no state dict needs",
        hint: "only state dicts are read; nothing in the file was carried out")
    }
  }

  private mutating func checkProtocol() throws(TorchError) {
    let version = try cursor.byte()
    guard instruction == 0, Self.protocols.contains(version) else {
      throw TorchError(
        .pickleDamaged,
        "pickle protocol \(version) at byte \(instruction); known are 2 to 5, at "
          + "the start")
    }
  }

  private mutating func pushLong(_ count: Int) throws(TorchError) {
    stack.append(try cursor.longInteger(count).map { .integer($0) } ?? .hugeInteger)
  }

  private mutating func pushText(_ count: Int) throws(TorchError) {
    stack.append(.text(try cursor.text(count)))
  }

  private mutating func pushBytes(_ count: Int) throws(TorchError) {
    _ = try cursor.take(count)
    stack.append(.opaque)
  }

  private mutating func pushTuple(of count: Int) throws(TorchError) {
    guard stack.count - (marks.last ?? 0) >= count else { throw damaged("the stack is empty") }
    let elements = Array(stack.suffix(count))
    stack.removeLast(count)
    stack.append(heap.addTuple(elements))
  }

  private mutating func pushMemo(_ index: Int) throws(TorchError) {
    guard let value = memo[index] else {
      throw damaged("the memo has no value \(index)")
    }
    stack.append(value)
  }

  private mutating func pushStackGlobal() throws(TorchError) {
    guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
      throw damaged("STACK_GLOBAL needs two strings")
    }
    stack.append(.global(try global(module, name)))
  }

  private func global(_ module: String, _ name: String) throws(TorchError) -> TorchGlobal {
    if let known = TorchGlobal(module: module, name: name) { return known }
    if TorchGlobal.isElementType(module: module, name: name) {
      throw TorchError(
        .dtypeUnsupported, "the element type '\(module).\(name)' is not supported",
        hint: "convert the tensors with torch before saving them")
    }
    throw TorchError(
      .globalRefused,
      "the pickle names '\(module).\(name)' at byte \(instruction), which no state dict needs",
      hint: "save a plain state dict: torch.save(model.state_dict(), 'weights.pt'); "
        + "nothing in the file was carried out")
  }
}

// MARK: Stack

extension PickleMachine {
  /// Values above the last mark only, as in Python, whose marked stacks are apart.
  private mutating func pop() throws(TorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw damaged("the stack is empty")
    }
    return value
  }

  private func top() throws(TorchError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw damaged("the stack is empty")
    }
    return value
  }

  private mutating func popMarked() throws(TorchError) -> [PickleValue] {
    guard let start = marks.popLast() else { throw damaged("there is no mark") }
    let values = Array(stack[start...])
    stack.removeSubrange(start...)
    return values
  }

  private mutating func append(_ values: [PickleValue]) throws(TorchError) {
    let target = try top()
    guard case .list(let list) = target else {
      throw damaged("elements are added to \(target.kind)")
    }
    heap.append(values, toList: list)
  }

  private mutating func setItems(_ values: [PickleValue]) throws(TorchError) {
    let target = try top()
    guard case .dictionary(let dictionary) = target else {
      throw damaged("entries are set in \(target.kind)")
    }
    guard values.count.isMultiple(of: 2) else { throw damaged("a key has no value") }
    for index in stride(from: 0, to: values.count, by: 2) {
      heap.set(values[index], values[index + 1], inDictionary: dictionary)
    }
  }

  /// The attributes of an OrderedDict, `_metadata` in practice, have no use.
  private mutating func build() throws(TorchError) {
    _ = try pop()
    let target = try top()
    guard case .dictionary = target else {
      throw TorchError(
        .opcodeRefused, "BUILD at byte \(instruction) sets attributes of \(target.kind)")
    }
  }

  private mutating func pushStorage() throws(TorchError) {
    let reader = ArgumentReader(try pop(), in: heap, at: instruction)
    let record = try reader.storageRecord()
    guard let storage = heap.addStorage(record) else {
      throw TorchError(
        .storageInvalid, "storage '\(record.key)' is declared twice with different types or sizes")
    }
    stack.append(storage)
  }

  private mutating func reduce() throws(TorchError) {
    let arguments = try pop()
    let callee = try pop()
    guard case .global(let global) = callee else {
      throw damaged("REDUCE calls \(callee.kind)")
    }
    stack.append(try describe(global, arguments))
  }

  /// What a call of an allowed global would give.
  private mutating func describe(
    _ global: TorchGlobal, _ arguments: PickleValue
  ) throws(TorchError) -> PickleValue {
    let reader = ArgumentReader(arguments, in: heap, at: instruction)
    switch global {
    case .orderedDictionary:
      try reader.requireCount(0...0)
      return heap.addDictionary()
    case .counter, .set, .size: return try reader.only()
    case .device, .encode: return .opaque
    case .rebuildTensor:
      return heap.addTensor(try reader.tensor(argumentCount: 4...4, in: heap))
    case .rebuildTensorV2:
      return heap.addTensor(try reader.tensor(argumentCount: 6...7, in: heap))
    case .rebuildTensorV3:
      return heap.addTensor(try reader.typedTensor(in: heap))
    case .rebuildParameter: return try reader.wrappedTensor(argumentCount: 3)
    case .rebuildParameterWithState: return try reader.wrappedTensor(argumentCount: 4)
    case .rebuildFromType:
      let (inner, innerArguments) = try reader.wrappedCall()
      return try describe(inner, innerArguments)
    case .tensorClass, .storage, .untypedStorage, .dtype:
      throw TorchError(
        .globalRefused, "the pickle calls a class of tensors or storages at byte \(instruction)")
    }
  }
}
