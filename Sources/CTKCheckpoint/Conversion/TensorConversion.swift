import CTKCore

/// The bytes of a target from those of its source: a cast, then the operation.
struct TensorConversion {
  private let source: TensorInfo
  private let operation: TensorOperation
  private let dtype: DType
  private let resultByteCount: Int

  init(_ step: ImportPlan.Step) {
    source = step.source
    operation = step.operation
    dtype = step.target.dtype
    resultByteCount = step.target.byteCount
  }

  /// A source's values in their place, without a cast.
  init(_ source: TensorInfo, _ operation: TensorOperation, like target: TensorInfo) {
    self.source = source
    self.operation = operation
    dtype = source.dtype
    resultByteCount = target.elementCount * source.dtype.bitWidth / 8
  }

  /// Lends the result; a plain copy lends the source's own bytes.
  ///
  /// - Parameter body: receives the bytes and the number of finite values that
  ///   the cast turned into infinities.
  func withResult<Result>(
    of bytes: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer, _ overflowCount: Int) throws -> Result
  ) rethrows -> Result {
    if dtype == source.dtype { return try withOperation(on: bytes) { try body($0, 0) } }
    let cast = ScratchBuffer(byteCount: source.elementCount * dtype.bitWidth / 8)
    let overflowCount = FloatCast.convert(bytes, source.dtype, to: cast.bytes, dtype)
    return try withOperation(on: UnsafeRawBufferPointer(cast.bytes)) { try body($0, overflowCount) }
  }

  private func withOperation<Result>(
    on bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    if let (rows, columns) = operation.matrix(of: source.shape) {
      let scratch = ScratchBuffer(byteCount: bytes.count)
      MatrixTranspose.transpose(bytes, rows: rows, columns: columns, to: scratch.bytes)
      return try body(UnsafeRawBufferPointer(scratch.bytes))
    }
    let paddingCount = resultByteCount - bytes.count
    if paddingCount <= 0 { return try body(bytes) }
    let scratch = ScratchBuffer(byteCount: resultByteCount)
    UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[..<paddingCount])
      .initializeMemory(as: UInt8.self, repeating: 0)
    UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[paddingCount...]).copyMemory(from: bytes)
    return try body(UnsafeRawBufferPointer(scratch.bytes))
  }
}
