extension Float {
  /// The nearest bfloat16, ties to even.
  package var roundedToBFloat16: Float {
    Float(bitPattern: (bitPattern + 0x7FFF + (bitPattern >> 16 & 1)) & 0xFFFF_0000)
  }
}
