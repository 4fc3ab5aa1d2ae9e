package import CTKCore

/// Extremes, mean and spread of a tensor's finite values.
///
/// f64 values are looked at as f32.
package struct TensorStatistics: Sendable, Equatable {
  package private(set) var smallest = Float.infinity
  package private(set) var largest = -Float.infinity
  package private(set) var mean = 0.0
  /// NaN and infinite values, which the other figures leave out.
  package private(set) var notFinite = 0
  private var count = 0
  /// Sum of the squared distances from the mean.
  private var squares = 0.0

  /// Elements decoded and summed at a time.
  private static let blockCount = 1 << 14

  /// Population standard deviation.
  package var deviation: Double {
    count == 0 ? 0 : (squares / Double(count)).squareRoot()
  }

  /// Whether any value is finite; without one there are no other figures.
  package var hasValues: Bool { count > 0 }

  /// - Returns: nil for a tensor that is not of floats of 16 bits or more.
  package init?(_ bytes: UnsafeRawBufferPointer, _ info: TensorInfo) {
    guard [.f16, .bf16, .f32, .f64].contains(info.dtype) else { return nil }
    let width = info.dtype.bitWidth / 8
    let block = FloatBuffer(count: min(Self.blockCount, info.elementCount))
    for start in stride(from: 0, to: info.elementCount, by: Self.blockCount) {
      let end = min(start + Self.blockCount, info.elementCount)
      let part = UnsafeRawBufferPointer(rebasing: bytes[start * width..<end * width])
      guard
        let description = try? TensorInfo(
          name: info.name, dtype: info.dtype, shape: [end - start]),
        (try? FloatDecoding.decode(part, info: description, into: block.base)) != nil
      else { return nil }
      add(UnsafeBufferPointer(start: block.base, count: end - start))
    }
    withExtendedLifetime(block) {}
  }

  /// Joins a block's moments to those so far (Chan, Golub and LeVeque 1979).
  private mutating func add(_ values: UnsafeBufferPointer<Float>) {
    var (finite, sum) = (0, 0.0)
    for value in values where value.isFinite {
      finite += 1
      sum += Double(value)
      smallest = min(smallest, value)
      largest = max(largest, value)
    }
    notFinite += values.count - finite
    if finite == 0 { return }
    let blockMean = sum / Double(finite)
    var blockSquares = 0.0
    for value in values where value.isFinite {
      blockSquares += (Double(value) - blockMean) * (Double(value) - blockMean)
    }
    let distance = blockMean - mean
    let total = Double(count + finite)
    squares += blockSquares + distance * distance * Double(count) * Double(finite) / total
    mean += distance * Double(finite) / total
    count += finite
  }
}
