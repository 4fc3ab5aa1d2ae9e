import CTKCore
import Foundation

/// One input of `predict` and `tokenize`.
enum TextInput {
  case text(String, pair: String?)
  case tokens(ids: [Int32], types: [Int32])
}

/// Reads inputs: plain lines, tab-separated pairs, or JSON Lines.
enum InputLines {
  /// - Parameter arguments: texts given on the command line.
  /// - Parameter path: a file, or "-" for standard input; nil takes the arguments, or
  ///   standard input when there are none.
  /// - Throws: `input.invalid`, also when there is no input at all, and the codes of files.
  static func read(arguments: [String], path: String?) throws -> [TextInput] {
    let inputs = try all(arguments: arguments, path: path)
    if inputs.isEmpty {
      throw CommandError(
        .inputInvalid, "there are no texts", path: path,
        hint: "give texts as arguments, --input FILE, or lines on standard input")
    }
    return inputs
  }

  private static func all(arguments: [String], path: String?) throws -> [TextInput] {
    if let path {
      if !arguments.isEmpty {
        throw CommandError(.inputInvalid, "give texts as arguments or --input, not both")
      }
      return try parse(try bytes(of: path), path: path == "-" ? "standard input" : path)
    }
    if arguments.isEmpty { return try parse(try standardInput(), path: "standard input") }
    return arguments.map(plain)
  }

  private static func standardInput() throws(CoreError) -> [UInt8] {
    do {
      return Array(try FileHandle.standardInput.readToEnd() ?? Data())
    } catch {
      throw CoreError(.fileUnreadable, "cannot read: \(error)", path: "standard input")
    }
  }

  /// A shell's `<(...)` and the like are pipes with a name, which cannot be mapped.
  private static func bytes(of path: String) throws(CoreError) -> [UInt8] {
    if path == "-" { return try standardInput() }
    if !Folder.exists(path) && !Folder.fileExists(path),
      let handle = FileHandle(forReadingAtPath: path)
    {
      guard let data = try? handle.readToEnd() else {
        throw CoreError(.fileUnreadable, "cannot read", path: path)
      }
      return Array(data)
    }
    return try readSmallFile(path, limit: 1 << 32)
  }

  static func parse(_ bytes: [UInt8], path: String) throws(CommandError) -> [TextInput] {
    // Lines are cut as bytes: to Swift a carriage return and a line feed are one character.
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var inputs: [TextInput] = []
    for (number, line) in lines.enumerated() {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      let place = "\(path):\(number + 1)"
      guard let text = String(validating: line, as: UTF8.self) else {
        throw CommandError(.inputInvalid, "the line is not UTF-8", path: place)
      }
      inputs.append(
        text.utf8.first == UInt8(ascii: "{") ? try json(text, place: place) : plain(text))
    }
    return inputs
  }

  private static func plain(_ line: String) -> TextInput {
    let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    return .text(String(parts[0]), pair: parts.count > 1 ? String(parts[1]) : nil)
  }

  private static func json(_ line: String, place: String) throws(CommandError) -> TextInput {
    let value: JSONValue
    do {
      value = try JSONParser.parse(Array(line.utf8))
    } catch {
      throw CommandError(.inputInvalid, error.message, path: place)
    }
    if let ids = value["input_ids"]?.arrayValue {
      let types = value["token_type_ids"]?.arrayValue ?? ids.map { _ in 0 }
      let numbers = ids.compactMap(\.int32)
      let kinds = types.compactMap(\.int32)
      guard !ids.isEmpty, numbers.count == ids.count, kinds.count == ids.count else {
        throw CommandError(
          .inputInvalid, "input_ids and token_type_ids must be equally long lists of integers",
          path: place)
      }
      return .tokens(ids: numbers, types: kinds)
    }
    guard let text = value["text"]?.stringValue else {
      throw CommandError(
        .inputInvalid, "a JSON line needs text or input_ids", path: place)
    }
    return .text(text, pair: value["text_pair"]?.stringValue)
  }
}

extension JSONValue {
  fileprivate var int32: Int32? { intValue.flatMap(Int32.init(exactly:)) }
}
