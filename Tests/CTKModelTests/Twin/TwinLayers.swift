import CKernels
import CTKCore
import CTKModel
import CTKTensor
import Foundation

/// The formulas of the layers, on rows of doubles.
extension TwinNetwork {
  func vector(_ name: String) -> [Double] {
    guard let id = layout.id(of: name) else { preconditionFailure("no parameter '\(name)'") }
    let parameter = layout[id]
    return Array(weights[parameter.offset..<parameter.offset + parameter.count])
  }

  func matrix(_ name: String) -> [[Double]] {
    guard let id = layout.id(of: name) else { preconditionFailure("no parameter '\(name)'") }
    let values = vector(name)
    let columns = layout[id].columns
    return stride(from: 0, to: values.count, by: columns).map {
      Array(values[$0..<$0 + columns])
    }
  }

  func dot(_ x: [Double], _ y: [Double]) -> Double {
    var sum = 0.0
    for index in x.indices { sum += x[index] * y[index] }
    return sum
  }

  func add(_ x: [Double], _ y: [Double]) -> [Double] { x.indices.map { x[$0] + y[$0] } }

  func add(_ x: [[Double]], _ y: [[Double]]) -> [[Double]] { zip(x, y).map { add($0, $1) } }

  func timesTransposed(_ x: [[Double]], _ name: String) -> [[Double]] {
    let weight = matrix(name)
    return x.map { row in weight.map { dot(row, $0) } }
  }

  func times(_ x: [[Double]], _ name: String) -> [[Double]] {
    let weight = matrix(name)
    return x.map { row in
      var result = [Double](repeating: 0, count: weight[0].count)
      for (entry, weights) in zip(row, weight) {
        for column in result.indices { result[column] += entry * weights[column] }
      }
      return result
    }
  }

  func linear(_ x: [[Double]], _ name: String) -> [[Double]] {
    let bias = vector(name + ".bias")
    return timesTransposed(x, name + ".weight").map { add($0, bias) }
  }

  func norm(_ x: [[Double]], _ name: String) -> [[Double]] {
    let (scale, shift) = (vector(name + ".weight"), vector(name + ".bias"))
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(row.count)
      let deviation = (variance + Double(configuration.layerNormEpsilon)).squareRoot()
      return row.indices.map { (row[$0] - mean) / deviation * scale[$0] + shift[$0] }
    }
  }

  func activated(_ x: [[Double]], _ activation: Activation) -> [[Double]] {
    x.map { row in
      row.map { value in
        switch activation {
        case .gelu: 0.5 * value * erfc(-value / 2.0.squareRoot())
        case .geluTanh:
          0.5 * value
            * (1 + tanh((2 / Double.pi).squareRoot() * (value + 0.044715 * pow(value, 3))))
        case .relu: max(value, 0)
        case .silu: value / (1 + exp(-value))
        case .tanh: tanh(value)
        }
      }
    }
  }

  // MARK: Dropout

  /// 0 or 1 / (1 - p) for an entry of a place, as the kernels decide it.
  func factor(_ place: DropoutStream.Place, _ layer: Int, _ index: Int) -> Double {
    let rate = DropoutRates(configuration)[place]
    guard let site = dropout?.site(place, layer: layer, probability: rate), site.threshold > 0
    else { return 1 }
    return hashed(site.key0, site.key1, index) >= site.threshold ? Double(site.scale) : 0
  }

  /// 32 random bits of an entry under a key.
  func hashed(_ first: UInt32, _ second: UInt32, _ index: Int) -> UInt32 {
    var hash = UInt32(index) &* 0x9E37_79B9 &+ first
    hash ^= hash >> 16
    hash = hash &* 0x7feb_352d
    hash ^= hash >> 15
    hash ^= second
    hash = hash &* 0x846c_a68b
    return hash ^ hash >> 16
  }

  func dropped(
    _ x: [[Double]], _ place: DropoutStream.Place, _ layer: Int = 0
  ) -> [[Double]] {
    x.enumerated().map { row, values in
      values.enumerated().map { column, value in
        value * factor(place, layer, row * values.count + column)
      }
    }
  }

  // MARK: Attention

  /// Softmax of scores and the mean of the values they weight, head by head.
  ///
  /// - Parameter score: of a query token and a key token for one head.
  private func attend(
    _ value: [[Double]], _ layer: Int, score: (_ query: Int, _ key: Int, _ head: Int) -> Double
  ) -> [[Double]] {
    let (heads, size) = (configuration.headCount, configuration.headSize)
    var output = value.map { $0.map { _ in 0.0 } }
    for sequence in 0..<batch.sequenceCount {
      let (first, length) = (batch.offsets[sequence], batch.length(sequence))
      for head in 0..<heads {
        let base = (first * heads + head * length) * batch.longest
        for row in 0..<length {
          let powers = (0..<length).map { exp(score(first + row, first + $0, head)) }
          let total = powers.reduce(0, +)
          for column in 0..<length {
            let weight =
              powers[column] / total * factor(.attention, layer, base + row * length + column)
            for lane in head * size..<(head + 1) * size {
              output[first + row][lane] += weight * value[first + column][lane]
            }
          }
        }
      }
    }
    return output
  }

  private func lanes(_ row: [Double], _ head: Int) -> [Double] {
    let size = configuration.headSize
    return Array(row[head * size..<(head + 1) * size])
  }

  func attention(_ projections: [[[Double]]], _ layer: Int) -> [[Double]] {
    let scale = 1 / Double(configuration.headSize).squareRoot()
    return attend(projections[2], layer) { query, key, head in
      scale * dot(lanes(projections[0][query], head), lanes(projections[1][key], head))
    }
  }

  func relativeAttention(_ input: [[Double]], _ name: String, _ layer: Int) -> [[Double]] {
    let (query, key) = (times(input, name + ".q"), times(input, name + ".k"))
    let distanceKeys = times(distanceEncodings, name + ".r")
    let (content, distance) = (vector(name + ".r_w_bias"), vector(name + ".r_r_bias"))
    let (segment, embeddings) = (vector(name + ".r_s_bias"), matrix(name + ".seg_embed"))
    let scale = 1 / Double(configuration.headSize).squareRoot()
    return attend(times(input, name + ".v"), layer) { i, j, head in
      let q = lanes(query[i], head)
      var score = dot(add(q, lanes(content, head)), lanes(key[j], head))
      score += dot(
        add(q, lanes(distance, head)), lanes(distanceKeys[distanceRow(i, j)], head))
      if batch.hasTokenTypes {
        let side = batch.tokenTypeIDs[i] == batch.tokenTypeIDs[j] ? 0 : 1
        score += dot(add(q, lanes(segment, head)), lanes(embeddings[side], head))
      }
      return scale * score
    }
  }

  /// Row of the distance from one token to another in the encodings.
  private func distanceRow(_ query: Int, _ key: Int) -> Int {
    var start = 0
    for sequence in 0..<batch.sequenceCount {
      let length = batch.length(sequence)
      if query < batch.offsets[sequence + 1] { return start + length - 1 - (query - key) }
      start += 2 * length - 1
    }
    preconditionFailure("the token is in no sequence")
  }

  /// Sine and cosine of each sequence's distances L - 1, ..., 1 - L, dropped out.
  private var distanceEncodings: [[Double]] {
    let width = configuration.hiddenSize
    let rows = (0..<batch.sequenceCount).flatMap { sequence in
      let length = batch.length(sequence)
      return (1 - length...length - 1).reversed().map { distance -> [Double] in
        let limit = configuration.distanceLimit ?? length
        let place = Double(min(max(distance, -limit), limit))
        let angles = stride(from: 0, to: width, by: 2).map {
          place / pow(10_000, Double($0) / Double(width))
        }
        return angles.map { sin($0) } + angles.map { cos($0) }
      }
    }
    return dropped(rows, .distances)
  }
}
