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
  static func read(arguments: [String], path: String?) throws -> [TextInput] {
    if let path {
      if !arguments.isEmpty {
        throw CommandError(.inputInvalid, "give texts as arguments or --input, not both")
      }
      let bytes = path == "-" ? standardInput() : try readSmallFile(path, limit: 1 << 32)
      return try parse(bytes, path: path)
    }
    if arguments.isEmpty { return try parse(standardInput(), path: "standard input") }
    return arguments.map(plain)
  }

  private static func standardInput() -> [UInt8] {
    Array(FileHandle.standardInput.readDataToEndOfFile())
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
