import CPatchCoder
public import CTKCore

/// Switching the tensors of a resident model from one task to another.
///
/// Takes time for the changed weights only.
public struct TaskSwitch {
  /// Tiles that a thread takes in one go.
  private static let tilesPerPiece = 16

  /// One tensor and what is to be written to it.
  private struct Part {
    let memory: UnsafeMutablePointer<UInt8>
    let old: ResidentChanges?
    let new: ResidentChanges?
    let tiles: Range<Int>
  }

  private var pieces: [Part] = []

  /// - Parameters:
  ///   - old: the task that the tensors hold; nil when they are the base's.
  ///   - new: the task they are to hold; nil to return to the base.
  ///   - memory: gives a tensor's bytes, little-endian; nil where there is none. Two
  ///     names may share one memory.
  /// - Throws: `tensor.missing` when a tensor is not there or has another size.
  public init(
    from old: ResidentTask?, to new: ResidentTask?,
    memory: (TensorInfo) -> UnsafeMutableRawBufferPointer?
  ) throws(PatchError) {
    let infos = Set(old.map { Array($0.changes.keys) } ?? [])
      .union(new.map { Array($0.changes.keys) } ?? [])
    var seen: Set<UnsafeMutableRawPointer> = []
    for key in infos {
      let (before, after) = (old?.changes[key], new?.changes[key])
      guard let info = (before ?? after)?.info else { continue }
      guard let bytes = memory(info), bytes.count == info.byteCount,
        after.map({ $0.info.byteCount == info.byteCount }) ?? true
      else {
        throw PatchError(
          wrapping: CoreError(
            .tensorMissing, "the model lacks tensor '\(info.name)', or has it in another size"))
      }
      guard let start = bytes.baseAddress, seen.insert(start).inserted else { continue }
      let tileCount = max(before?.tileCount ?? 0, after?.tileCount ?? 0)
      for first in stride(from: 0, to: tileCount, by: Self.tilesPerPiece) {
        pieces.append(
          Part(
            memory: start.assumingMemoryBound(to: UInt8.self), old: before, new: after,
            tiles: first..<min(first + Self.tilesPerPiece, tileCount)))
      }
    }
  }

  /// Writes the changes; each tile is restored and changed while it is in the cache.
  public func run(threadCount: Int? = nil) {
    // Pieces are disjoint parts of the caller's memory.
    nonisolated(unsafe) let pieces = pieces
    _ = try? Workers(threadCount: threadCount).map(
      weights: pieces.map { $0.tiles.count }
    ) { (index) throws(PatchError) in
      let piece = pieces[index]
      for tile in piece.tiles {
        piece.old?.write(.before, tile: tile, to: piece.memory)
        piece.new?.write(.after, tile: tile, to: piece.memory)
      }
    }
  }
}
