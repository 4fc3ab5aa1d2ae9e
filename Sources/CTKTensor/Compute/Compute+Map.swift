extension Compute {
  /// What `body` makes of each number below `count`, in order.
  ///
  /// Every thread forms one run of results, this one the first.
  package func map<Result>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
    [Result](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      // The parts write to disjoint runs.
      nonisolated(unsafe) let results = buffer
      divide(count) { part, _ in
        for item in part { results.initializeElement(at: item, to: body(item)) }
      }
      initializedCount = count
    }
  }
}
