import CTKCore

/// Several patches' changes of one tensor, put on together.
struct ChangeComposition {
  private static let windowWidth = 1 << 14

  let info: TensorInfo
  let policy: ComposePolicy
  let patches: [TensorPatch]

  /// Turns the base's bytes into the composed ones.
  ///
  /// - Throws: `compose.overlap`, `compose.not-numeric`, `compose.not-finite`.
  func apply(to bytes: UnsafeMutableRawBufferPointer) throws(PatchError) -> TensorConflict {
    switch CodingUnit(info.dtype).width {
    case .one: try apply(to: bytes, as: UInt8.self)
    case .two: try apply(to: bytes, as: UInt16.self)
    case .four: try apply(to: bytes, as: UInt32.self)
    case .eight: try apply(to: bytes, as: UInt64.self)
    }
  }

  private func apply<Word: UnitWord>(
    to bytes: UnsafeMutableRawBufferPointer, as _: Word.Type
  ) throws(PatchError) -> TensorConflict {
    var conflict = TensorConflict(
      name: info.name, unitCount: info.unitCount, changes: patches.map(\.changes))
    let units = ComposedUnits<Word>(info: info, policy: policy, patchCount: patches.count)
    defer { units.deallocate() }
    let width = Self.windowWidth
    let differences = UnsafeMutablePointer<Word>.allocate(capacity: patches.count * width)
    defer { differences.deallocate() }
    for window in Windows(unitCount: info.unitCount, width: width) {
      differences.initialize(repeating: 0, count: patches.count * width)
      for (position, patch) in patches.enumerated() {
        patch.add(within: window, to: differences + position * width)
      }
      try units.compose(
        window, differences: differences, stride: width, bytes: bytes, conflict: &conflict)
    }
    return conflict
  }
}

/// The units of a tensor, composed a window at a time.
private struct ComposedUnits<Word: UnitWord> {
  let info: TensorInfo
  let policy: ComposePolicy
  let patchCount: Int
  let ordered: OrderedInteger<Word>
  let format: NumberFormat?
  /// Room for the differences and the changes of one unit.
  private let found: UnsafeMutablePointer<Word>
  private let changes: UnsafeMutableBufferPointer<Double>

  init(info: TensorInfo, policy: ComposePolicy, patchCount: Int) {
    self.info = info
    self.policy = policy
    self.patchCount = patchCount
    ordered = OrderedInteger(isFloat: CodingUnit(info.dtype).isFloat)
    format = NumberFormat(info.dtype)
    found = .allocate(capacity: patchCount)
    found.initialize(repeating: 0, count: patchCount)
    changes = .allocate(capacity: patchCount)
    changes.initialize(repeating: 0)
  }

  func deallocate() {
    found.deallocate()
    changes.deallocate()
  }

  func compose(
    _ window: Range<Int>, differences: UnsafePointer<Word>, stride: Int,
    bytes: UnsafeMutableRawBufferPointer, conflict: inout TensorConflict
  ) throws(PatchError) {
    let size = MemoryLayout<Word>.size
    for unit in 0..<window.count {
      var count = 0
      for patch in 0..<patchCount {
        let difference = differences[patch * stride + unit]
        found[count] = difference
        count += difference == 0 ? 0 : 1
      }
      if count == 0 { continue }
      let offset = (window.lowerBound + unit) * size
      let base = Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self))
      var difference = found[0]
      if count > 1 {
        let meeting = UnitConflict(
          base: base, differences: UnsafeBufferPointer(start: found, count: count),
          ordered: ordered)
        note(meeting, in: &conflict)
        difference = try settle(meeting, unit: window.lowerBound + unit)
      }
      let result = ordered.decode(ordered.encode(base) &+ difference)
      bytes.storeBytes(of: result.littleEndian, toByteOffset: offset, as: Word.self)
    }
  }

  private func note(_ meeting: UnitConflict<Word>, in conflict: inout TensorConflict) {
    conflict.overlap += 1
    conflict.agreeing += meeting.agreesInSign ? 1 : 0
    conflict.largestSteps = max(conflict.largestSteps, UInt64(meeting.spread))
    guard let format else { return }
    var (low, high) = (Double.infinity, -Double.infinity)
    for difference in meeting.differences {
      let value = format.value(meeting.result(difference))
      (low, high) = (min(low, value), max(high, value))
    }
    if (high - low).isFinite {
      conflict.largestDifference = max(conflict.largestDifference ?? 0, high - low)
    }
  }

  private func settle(_ meeting: UnitConflict<Word>, unit: Int) throws(PatchError) -> Word {
    switch policy {
    case .error: throw overlaps(at: unit)
    case .first: return meeting.differences[0]
    case .last: return meeting.differences[meeting.differences.count - 1]
    case .sum, .mean, .ties: break
    }
    if let format, format.isInteger, policy == .sum { return meeting.differences.reduce(0, &+) }
    guard let format, !format.isInteger else { throw notNumeric() }
    do {
      return try meeting.difference(policy, in: format, changes: changes)
    } catch {
      throw notFinite(error, at: unit)
    }
  }

  // MARK: Errors

  private func overlaps(at unit: Int) -> PatchError {
    PatchError(
      .composeOverlap,
      "more than one patch changes tensor '\(info.name)' at \(place(of: unit))",
      hint: "choose a policy: first, last, sum, mean or ties")
  }

  private func notNumeric() -> PatchError {
    PatchError(
      .composeNotNumeric,
      "policy '\(policy.rawValue)' cannot reckon with \(info.dtype.rawValue), "
        + "of which tensor '\(info.name)' is", hint: "choose policy first or last")
  }

  private func notFinite(_ fault: UnitConflict<Word>.Fault, at unit: Int) -> PatchError {
    let what = fault == .notFinite ? "meets a NaN or an infinity" : "leaves the range of the dtype"
    return PatchError(
      .composeNotFinite,
      "policy '\(policy.rawValue)' \(what) in tensor '\(info.name)' at \(place(of: unit))",
      hint: "choose policy first or last")
  }

  /// Row-major coordinates of the element that a unit belongs to.
  private func place(of unit: Int) -> String {
    let (elements, units) = (info.elementCount, info.unitCount)
    var rest = elements > units ? unit * (elements / units) : unit / (units / elements)
    var coordinates: [Int] = []
    for extent in info.shape.reversed() {
      coordinates.append(rest % extent)
      rest /= extent
    }
    return "\(coordinates.reversed().map { $0 })"
  }
}
