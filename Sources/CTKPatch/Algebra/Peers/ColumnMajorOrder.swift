/// Places of a tensor's elements counted with the first axis fastest, as composable-sft does.
struct ColumnMajorOrder {
  private let shape: [Int]
  private let elementCount: Int

  /// - Parameter shape: without a zero.
  init(_ shape: [Int]) {
    self.shape = shape
    elementCount = shape.reduce(1, *)
  }

  func columnMajor(ofRowMajor index: Int) -> Int {
    var (rest, stride, result) = (index, elementCount, 0)
    for extent in shape.reversed() {
      stride /= extent
      result += rest % extent * stride
      rest /= extent
    }
    return result
  }

  func rowMajor(ofColumnMajor index: Int) -> Int {
    var (rest, stride, result) = (index, elementCount, 0)
    for extent in shape {
      stride /= extent
      result += rest % extent * stride
      rest /= extent
    }
    return result
  }
}
