import CTKCore
import CTKSafetensors

extension SafetensorsWriter {
  /// Appends bytes, with the module's own errors.
  mutating func append(_ bytes: [UInt8]) throws(PatchError) {
    let span = bytes.span
    do {
      try span.withUnsafeBytes { (bytes) throws(SafetensorsError) in try write(bytes) }
    } catch {
      throw PatchError(wrapping: error)
    }
  }

  /// Commits, with the module's own errors.
  consuming func finish() throws(PatchError) {
    do throws(SafetensorsError) {
      try commit()
    } catch {
      throw PatchError(wrapping: error)
    }
  }
}
