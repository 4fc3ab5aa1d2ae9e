import CTKCore

/// The bytes of a target from those of its source: a cast, then the operation.
struct TensorConversion {
  private let source: TensorInfo
  private let operation: TensorOperation
  private let dtype: DType

  /// - Parameter dtype: the result's element type; nil keeps the source's.
  init(_ source: TensorInfo, _ operation: TensorOperation, to dtype: DType? = nil) {
    self.source = source
    self.operation = operation
    self.dtype = dtype ?? source.dtype
  }

  init(_ step: ImportPlan.Step) {
    self.init(step.source, step.operation, to: step.target.dtype)
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
    switch operation {
    case .copy:
      return try body(bytes)
    case .transpose:
      let scratch = ScratchBuffer(byteCount: bytes.count)
      MatrixTranspose.transpose(
        bytes, rows: source.shape[0], columns: source.shape[1], to: scratch.bytes)
      return try body(UnsafeRawBufferPointer(scratch.bytes))
    }
  }
}
