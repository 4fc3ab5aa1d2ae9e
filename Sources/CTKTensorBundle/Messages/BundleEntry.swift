import CTKCore

/// TensorFlow's BundleEntryProto: a tensor's type, shape and place.
struct BundleEntry {
  private(set) var type: UInt64 = 0
  private(set) var shape: [Int] = []
  private(set) var shard = 0
  private(set) var offset = 0
  private(set) var byteCount = 0
  private(set) var checksum: UInt32?
  private(set) var isSliced = false

  /// - Throws: `bundle.damaged`, `bundle.limit-exceeded`.
  init(_ bytes: UnsafeRawBufferPointer) throws(TensorBundleError) {
    var reader = BundleMessage(bytes)
    while let (field, value) = try reader.next() {
      switch (field, value) {
      case (1, .varint(let number)): type = number
      case (2, .bytes(let message)): shape = try Self.shape(message)
      case (3, .varint(let number)): shard = try Self.count(number)
      case (4, .varint(let number)): offset = try Self.count(number)
      case (5, .varint(let number)): byteCount = try Self.count(number)
      case (6, .word(let word)): checksum = word
      case (7, .bytes): isSliced = true
      case (1...7, _):
        throw TensorBundleError(.damaged, "field \(field) of an entry has the wrong type")
      default: break
      }
    }
  }

  /// TensorShapeProto: field 2 is a dimension, whose field 1 is its size.
  private static func shape(_ bytes: UnsafeRawBufferPointer) throws(TensorBundleError) -> [Int] {
    var shape: [Int] = []
    var reader = BundleMessage(bytes)
    while let (field, value) = try reader.next() {
      guard field == 2, case .bytes(let message) = value else {
        throw TensorBundleError(.damaged, "a tensor has no shape")
      }
      guard shape.count < BundleLimits.rank else {
        throw TensorBundleError(
          .limitExceeded, "a tensor has more than \(BundleLimits.rank) dimensions")
      }
      shape.append(try extent(message))
    }
    return shape
  }

  private static func extent(_ bytes: UnsafeRawBufferPointer) throws(TensorBundleError) -> Int {
    var extent = 0
    var reader = BundleMessage(bytes)
    while let (field, value) = try reader.next() {
      if case .varint(let number) = value, field == 1 { extent = try count(number) }
    }
    return extent
  }

  private static func count(_ number: UInt64) throws(TensorBundleError) -> Int {
    guard let count = Int(exactly: number) else {
      throw TensorBundleError(.damaged, "an entry holds a negative number")
    }
    return count
  }
}
