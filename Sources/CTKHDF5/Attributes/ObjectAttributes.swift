import CTKCore

/// The attributes of one object.
enum ObjectAttributes {
  /// The strings of an attribute; nil when there is none of that name.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.attribute-unsupported`.
  static func strings(
    _ name: String, of object: ObjectHeader
  ) throws(HDF5Error) -> [String]? {
    try find(name, in: object).map { (attribute) throws(HDF5Error) in
      try StringAttribute.strings(of: attribute)
    }
  }

  private static func find(
    _ name: String, in object: ObjectHeader
  ) throws(HDF5Error) -> AttributeMessage? {
    for message in object.messages where message.kind == .attribute {
      var cursor = object.image.cursor(in: message.body, "attribute")
      if message.isShared { cursor = try SharedMessage.resolve(cursor, .attribute) }
      let attribute = try AttributeMessage(cursor)
      if attribute.name.elementsEqual(name.utf8) { return attribute }
    }
    guard let info = try object.message(.attributeInfo),
      let dense = try DenseStorage(info: info, creationOrderByteCount: 2)
    else { return nil }
    var found: AttributeMessage?
    try dense.forEach(.attributeNames) { (record, heap) throws(HDF5Error) in
      if found != nil { return }
      let attribute = try AttributeMessage(try heap.object(&record))
      if attribute.name.elementsEqual(name.utf8) { found = attribute }
    }
    return found
  }
}
