/// The codes one module can fail with; raw values are stable (`patch.wrong-base`).
public protocol FailureCode: RawRepresentable<String>, Sendable {
  /// The exit status a command ends with when this code reaches it.
  var status: ExitStatus { get }
}

/// What every ctk error can tell a person or a script.
public protocol Diagnosable: Error, CustomStringConvertible {
  /// Stable string code, listed in `formats/errors.md`.
  var code: String { get }
  var status: ExitStatus { get }
  /// One sentence: what was expected, what was found, where.
  var message: String { get }
  /// The file or folder at fault.
  var path: String? { get }
  /// What to do next.
  var hint: String? { get }
}

extension Diagnosable {
  public var description: String {
    var text = "\(code): \(message)"
    if let path { text += " [\(path)]" }
    if let hint { text += "; \(hint)" }
    return text
  }
}

/// The error type of a module, distinguished by its set of codes.
///
/// A failure of a lower module passes through with its own code:
/// `throw PatchError(wrapping: coreError)`.
public struct Failure<Code: FailureCode>: Diagnosable {
  public let code: String
  public let status: ExitStatus
  public let message: String
  public var path: String?
  public var hint: String?

  public init(_ code: Code, _ message: String, path: String? = nil, hint: String? = nil) {
    self.code = code.rawValue
    self.status = code.status
    self.message = message
    self.path = path
    self.hint = hint
  }

  public init(wrapping other: some Diagnosable) {
    self.code = other.code
    self.status = other.status
    self.message = other.message
    self.path = other.path
    self.hint = other.hint
  }

  /// Runs a throwing body of a lower module and converts its error.
  public static func wrap<Lower: Diagnosable, Result: ~Copyable>(
    _ body: () throws(Lower) -> Result
  ) throws(Self) -> Result {
    do {
      return try body()
    } catch {
      throw Self(wrapping: error)
    }
  }

  /// The same failure with the file it concerns.
  public func at(_ path: String) -> Self {
    var copy = self
    if copy.path == nil { copy.path = path }
    return copy
  }
}
