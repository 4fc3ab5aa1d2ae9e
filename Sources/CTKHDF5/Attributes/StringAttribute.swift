import CTKCore

/// Attributes that hold strings: several, one, or none.
enum StringAttribute {
  /// How fixed-length strings are filled up.
  private enum Padding: Int {
    case terminated, nulls, spaces
  }

  /// Decodes an attribute.
  ///
  /// - Throws: `hdf5.attribute-unsupported`, `hdf5.damaged`.
  static func strings(of attribute: AttributeMessage) throws(HDF5Error) -> [String] {
    let type = attribute.type
    // Keras stores the empty list of names as an array of floats.
    if attribute.elementCount == 0 { return [] }
    if type.kind == .string, let padding = Padding(rawValue: type.bits & 0x0F) {
      return try fixed(attribute, padding)
    }
    if type.kind == .variableLength && type.bits & 0x0F == 1 { return try variable(attribute) }
    let name = String(decoding: attribute.name, as: UTF8.self)
    throw HDF5Error(.attributeUnsupported, "the attribute '\(name)' holds \(type.name)")
  }

  private static func fixed(
    _ attribute: AttributeMessage, _ padding: Padding
  ) throws(HDF5Error) -> [String] {
    var cursor = attribute.data
    var strings: [String] = []
    for _ in 0..<attribute.elementCount {
      var units = cursor.image.bytes[try cursor.skip(attribute.type.byteCount)]
      switch padding {
      case .terminated: units = units.prefix { $0 != 0 }
      case .nulls: while units.last == 0 { units.removeLast() }
      case .spaces: while units.last == UInt8(ascii: " ") { units.removeLast() }
      }
      strings.append(try text(units, attribute))
    }
    return strings
  }

  private static func variable(_ attribute: AttributeMessage) throws(HDF5Error) -> [String] {
    var cursor = attribute.data
    let bytes = cursor.image.bytes
    var heap = GlobalHeap(cursor.image)
    var strings: [String] = []
    var total = 0
    for _ in 0..<attribute.elementCount {
      let byteCount = try cursor.word()
      let address = try cursor.address()
      let index = try cursor.word()
      guard byteCount > 0, let address, address != 0 else {
        strings.append("")
        continue
      }
      let object = try heap.object(index, at: address)
      total += byteCount
      // Strings do not share heap objects, so all of them fit into the file.
      guard byteCount <= object.count, total <= bytes.count else {
        throw cursor.damaged("a string of \(byteCount) bytes leaves the heap")
      }
      strings.append(try text(bytes[object].prefix(byteCount).prefix { $0 != 0 }, attribute))
    }
    return strings
  }

  private static func text(
    _ units: UnsafeRawBufferPointer.SubSequence, _ attribute: AttributeMessage
  ) throws(HDF5Error) -> String {
    guard let text = String(validating: units, as: UTF8.self) else {
      let name = String(decoding: attribute.name, as: UTF8.self)
      throw HDF5Error(.attributeUnsupported, "the attribute '\(name)' is not UTF-8")
    }
    return text
  }
}
