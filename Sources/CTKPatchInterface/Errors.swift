import CTKCore
import CTKPatch
import CTKPatchHeader

/// The status of each code of `formats/errors.md` that has one of its own.
private let statuses: [String: Int] = [
  "patch.not-a-patch": CTKPATCH_NOT_A_PATCH,
  "patch.damaged": CTKPATCH_DAMAGED,
  "patch.unsupported": CTKPATCH_UNSUPPORTED,
  "patch.wrong-base": CTKPATCH_WRONG_BASE,
  "patch.wrong-target": CTKPATCH_WRONG_TARGET,
  "patch.already-applied": CTKPATCH_ALREADY_APPLIED,
  "patch.not-applied": CTKPATCH_NOT_APPLIED,
  "patch.partly-applied": CTKPATCH_PARTLY_APPLIED,
  "patch.wrong-result": CTKPATCH_WRONG_RESULT,
  "patch.needs-mask": CTKPATCH_NEEDS_MASK,
  "patch.wrong-mask": CTKPATCH_WRONG_MASK,
  "tensor.missing": CTKPATCH_MISSING_TENSOR,
  "file.missing": CTKPATCH_UNREADABLE,
  "file.unreadable": CTKPATCH_UNREADABLE,
].mapValues { Int($0) }

/// An argument that no function can work with.
struct ArgumentError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Runs `body` and turns what it throws into a status and an error.
func reporting<Result>(
  _ error: UnsafeMutablePointer<ctkpatch_error>?, _ body: () throws -> Result
) -> (status: Int32, result: Result?) {
  do {
    let result = try body()
    error.map { fill($0, CTKPATCH_OK, "", "") }
    return (Int32(CTKPATCH_OK), result)
  } catch let failure as ArgumentError {
    error.map { fill($0, CTKPATCH_INVALID_ARGUMENT, "usage", failure.message) }
    return (Int32(CTKPATCH_INVALID_ARGUMENT), nil)
  } catch let failure as any Diagnosable {
    let status = statuses[failure.code] ?? Int(CTKPATCH_FAILED)
    error.map { fill($0, status, failure.code, failure.message) }
    return (Int32(status), nil)
  } catch let failure {
    error.map { fill($0, CTKPATCH_FAILED, "failed", "\(failure)") }
    return (Int32(CTKPATCH_FAILED), nil)
  }
}

private func fill(
  _ error: UnsafeMutablePointer<ctkpatch_error>, _ status: some BinaryInteger, _ code: String,
  _ message: String
) {
  error.pointee = ctkpatch_error()
  error.pointee.status = Int32(status)
  withUnsafeMutableBytes(of: &error.pointee.code) { copy(code, to: $0) }
  withUnsafeMutableBytes(of: &error.pointee.message) { copy(message, to: $0) }
}

/// Copies as much of a text as fits before a final zero, whole characters only.
private func copy(_ text: String, to bytes: UnsafeMutableRawBufferPointer) {
  var count = 0
  for character in text {
    let units = character.utf8
    if count + units.count >= bytes.count { break }
    for unit in units {
      bytes[count] = unit
      count += 1
    }
  }
  bytes[count] = 0
}
