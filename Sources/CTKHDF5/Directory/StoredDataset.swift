import CTKCore

/// A dataset that is a tensor, and where its values lie.
struct StoredDataset: Sendable {
  enum Storage: Sendable {
    /// One piece of the file, counted from its base address.
    case contiguous(Range<Int>)
    case chunked(ChunkStorage)
    /// Never written: every element has the fill value.
    case absent(fill: [UInt8])
  }

  /// Of its object header, counted from the base address.
  let address: UInt64
  let dtype: DType
  let shape: [Int]
  let isBigEndian: Bool
  let storage: Storage

  var elementByteCount: Int { dtype.bitWidth / 8 }
}

/// Chunks and the filters they went through.
struct ChunkStorage: Sendable {
  let layout: ChunkLayout
  /// Up to where the dataset may grow; nil along an axis without limit.
  let maxima: [UInt64?]
  /// In the order of writing.
  let filters: [ChunkFilter]
  /// One element, as stored; nil when the file defines none.
  let fill: [UInt8]?
}

/// The filters ctk can undo.
enum ChunkFilter: Sendable, Equatable {
  case deflate
  case shuffle(elementByteCount: Int)
  case fletcher32
}
