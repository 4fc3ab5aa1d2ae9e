/// A strict RFC 8259 reader with limits, which reports duplicate keys.
///
/// Foundation's reader silently keeps one of two equal keys, which would let a
/// file mean different things to different readers.
public struct JSONParser: ~Copyable {
  public enum DuplicateKeys: Sendable {
    case refuse
    case keepLast
  }

  /// Most arrays and objects that may lie in one another.
  public static let depthLimit = 64

  private let bytes: UnsafeRawBufferPointer
  private let duplicateKeys: DuplicateKeys
  private var position = 0

  /// Reads one value that fills `bytes`, apart from white space around it.
  ///
  /// - Throws: `json.invalid`, `json.duplicate-key`, `json.too-deep`, `json.not-utf8`,
  ///   each naming the byte offset.
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, duplicateKeys: DuplicateKeys = .refuse
  ) throws(CoreError) -> JSONValue {
    var parser = JSONParser(bytes, duplicateKeys: duplicateKeys)
    let value = try parser.value(depth: 0)
    parser.skipWhiteSpace()
    if parser.position != bytes.count { throw parser.invalid("something follows the value") }
    return value
  }

  public static func parse(
    _ bytes: [UInt8], duplicateKeys: DuplicateKeys = .refuse
  ) throws(CoreError) -> JSONValue {
    try bytes.span.withUnsafeBytes { (buffer) throws(CoreError) in
      try parse(buffer, duplicateKeys: duplicateKeys)
    }
  }

  /// Reads a JSON file.
  public static func parseFile(
    _ path: String, limit: Int = 64 << 20
  ) throws(CoreError) -> JSONValue {
    do {
      return try parse(try readSmallFile(path, limit: limit))
    } catch {
      throw error.at(path)
    }
  }

  private init(_ bytes: UnsafeRawBufferPointer, duplicateKeys: DuplicateKeys) {
    self.bytes = bytes
    self.duplicateKeys = duplicateKeys
  }

  private func invalid(_ what: String) -> CoreError {
    CoreError(.jsonInvalid, "\(what) at byte \(position)")
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhiteSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      position += 1
    }
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(CoreError) {
    guard peek() == byte else { throw invalid("expected \(what)") }
    position += 1
  }

  /// - Parameter depth: containers around the value.
  private mutating func value(depth: Int) throws(CoreError) -> JSONValue {
    skipWhiteSpace()
    switch peek() {
    case UInt8(ascii: "{"): return .object(try object(depth: try deeper(depth)))
    case UInt8(ascii: "["): return .array(try array(depth: try deeper(depth)))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), .some(0x30...0x39): return try number()
    default: throw invalid("expected a value")
    }
  }

  private func deeper(_ depth: Int) throws(CoreError) -> Int {
    if depth == Self.depthLimit {
      throw CoreError(
        .jsonTooDeep, "nested deeper than \(Self.depthLimit) levels at byte \(position)")
    }
    return depth + 1
  }

  private mutating func literal(
    _ text: StaticString, _ value: JSONValue
  ) throws(CoreError) -> JSONValue {
    for offset in 0..<text.utf8CodeUnitCount {
      guard peek() == text.utf8Start[offset] else { throw invalid("expected '\(text)'") }
      position += 1
    }
    return value
  }

  private mutating func object(depth: Int) throws(CoreError) -> JSONObject {
    position += 1
    var object = JSONObject()
    skipWhiteSpace()
    if peek() == UInt8(ascii: "}") {
      position += 1
      return object
    }
    while true {
      skipWhiteSpace()
      guard peek() == UInt8(ascii: "\"") else { throw invalid("expected a key") }
      let keyOffset = position
      let key = try string()
      skipWhiteSpace()
      try expect(UInt8(ascii: ":"), "':'")
      let count = object.count
      object[key] = try value(depth: depth)
      if object.count == count && duplicateKeys == .refuse {
        throw CoreError(.jsonDuplicateKey, "the key '\(key)' is repeated at byte \(keyOffset)")
      }
      skipWhiteSpace()
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        try expect(UInt8(ascii: "}"), "',' or '}'")
        return object
      }
    }
  }

  private mutating func array(depth: Int) throws(CoreError) -> [JSONValue] {
    position += 1
    var elements: [JSONValue] = []
    skipWhiteSpace()
    if peek() == UInt8(ascii: "]") {
      position += 1
      return elements
    }
    while true {
      elements.append(try value(depth: depth))
      skipWhiteSpace()
      if peek() == UInt8(ascii: ",") {
        position += 1
      } else {
        try expect(UInt8(ascii: "]"), "',' or ']'")
        return elements
      }
    }
  }
}

// MARK: Strings

extension JSONParser {
  private mutating func string() throws(CoreError) -> String {
    position += 1
    var units: [UInt8] = []
    var runStart = position
    while true {
      guard let byte = peek() else { throw invalid("the string does not end") }
      switch byte {
      case UInt8(ascii: "\""):
        units.append(contentsOf: bytes[runStart..<position])
        position += 1
        return try validated(units)
      case UInt8(ascii: "\\"):
        units.append(contentsOf: bytes[runStart..<position])
        try escape(into: &units)
        runStart = position
      case 0x00..<0x20:
        throw invalid("a control character must be escaped")
      default:
        position += 1
      }
    }
  }

  private func validated(_ units: [UInt8]) throws(CoreError) -> String {
    guard let text = String(validating: units, as: UTF8.self) else {
      throw CoreError(.jsonNotUTF8, "a string before byte \(position) is not UTF-8")
    }
    return text
  }

  private mutating func escape(into units: inout [UInt8]) throws(CoreError) {
    position += 1
    guard let kind = peek() else { throw invalid("the string does not end") }
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(kind)
    case UInt8(ascii: "b"): units.append(0x08)
    case UInt8(ascii: "f"): units.append(0x0C)
    case UInt8(ascii: "n"): units.append(0x0A)
    case UInt8(ascii: "r"): units.append(0x0D)
    case UInt8(ascii: "t"): units.append(0x09)
    case UInt8(ascii: "u"): units.append(contentsOf: try unicodeEscape())
    default: throw invalid("unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(CoreError) -> [UInt8] {
    var code = try hexUnit()
    if (0xD800..<0xDC00).contains(code) {
      try expect(UInt8(ascii: "\\"), "the second half of a surrogate pair")
      try expect(UInt8(ascii: "u"), "the second half of a surrogate pair")
      let low = try hexUnit()
      guard (0xDC00..<0xE000).contains(low) else { throw invalid("lone surrogate") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw invalid("lone surrogate") }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func hexUnit() throws(CoreError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw invalid("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}

// MARK: Numbers

extension JSONParser {
  private mutating func number() throws(CoreError) -> JSONValue {
    let start = position
    if peek() == UInt8(ascii: "-") { position += 1 }
    if peek() == UInt8(ascii: "0") {
      position += 1
    } else {
      try digits()
    }
    var isWhole = true
    if peek() == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      try digits()
    }
    if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole {
      if let whole = Int(text) { return .integer(whole) }
      if let whole = UInt64(text) { return .unsigned(whole) }
    }
    guard let real = Double(text), real.isFinite else { throw invalid("number out of range") }
    return .real(real)
  }

  private mutating func digits() throws(CoreError) {
    guard let first = peek(), (0x30...0x39).contains(first) else {
      throw invalid("expected a digit")
    }
    while let byte = peek(), (0x30...0x39).contains(byte) { position += 1 }
  }
}
