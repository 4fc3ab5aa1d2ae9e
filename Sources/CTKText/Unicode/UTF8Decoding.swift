/// Reads the scalar that starts at `position` of valid UTF-8.
///
/// - Returns: the scalar and its length in bytes.
@inline(__always)
func decodeScalar(
  _ bytes: UnsafeBufferPointer<UInt8>, at position: Int
) -> (scalar: UInt32, width: Int) {
  func continuation(_ offset: Int) -> UInt32 { UInt32(bytes[position + offset] & 0x3F) }
  let lead = UInt32(bytes[position])
  switch lead {
  case 0..<0x80: return (lead, 1)
  case 0x80..<0xE0: return ((lead & 0x1F) << 6 | continuation(1), 2)
  case 0xE0..<0xF0: return ((lead & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
  default:
    return (
      (lead & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3), 4
    )
  }
}
