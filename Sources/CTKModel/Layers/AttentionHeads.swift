import CTKTensor

extension Compute {
  /// Runs `body` for each head of each sequence.
  ///
  /// Each worker takes neighbouring heads, whose rows share cache lines and pages, and about as
  /// many scores as any other one.
  ///
  /// - Parameter body: receives the number of the worker, below `threadCount`, which owns a
  ///   scratch area of its own.
  func forEachHead(
    of batch: PackedBatch, headCount: Int,
    _ body: (_ sequence: Int, _ head: Int, _ worker: Int) -> Void
  ) {
    let workers = min(threadCount, batch.sequenceCount * headCount)
    let total = headCount * (0..<batch.sequenceCount).reduce(0) { $0 + batch.scores($1) }
    forEach(workers) { worker, _ in
      var before = 0
      for sequence in 0..<batch.sequenceCount {
        let scores = batch.scores(sequence)
        for head in 0..<headCount {
          // The middle of a head's scores among all of them says whose it is.
          if (2 * before + scores) * workers / (2 * total) == worker {
            body(sequence, head, worker)
          }
          before += scores
        }
      }
    }
  }
}

extension PackedBatch {
  /// Scores of one head over a sequence.
  fileprivate func scores(_ sequence: Int) -> Int { length(sequence) * length(sequence) }
}
