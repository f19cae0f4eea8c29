import FlowTable

/// Queries to one table, in batches as the pipeline makes them: a snapshot, a batch of 64, a quiescent report.
@safe
final class Question {
  private let loaded: LoadedTable
  private let view: FlowTableView
  private let quiescence: QuiescentStates
  // `Workload.queries` keys and `Workload.batch` results, both allocated here and freed with this object.
  private let keys: UnsafeMutablePointer<LookupKey>
  private let results: UnsafeMutablePointer<UInt32>

  init(_ loaded: LoadedTable, _ queries: [LookupKey]) {
    precondition(queries.count == Workload.queries, "every question has as many queries")
    self.loaded = loaded
    view = loaded.table.view
    quiescence = loaded.table.quiescence
    unsafe keys = .allocate(capacity: queries.count)
    unsafe keys.initialize(from: queries, count: queries.count)
    unsafe results = .allocate(capacity: Workload.batch)
    unsafe results.initialize(repeating: 0, count: Workload.batch)
  }

  deinit {
    unsafe keys.deallocate()
    unsafe results.deallocate()
  }

  /// The batch of bindings from query `start` on; the tunnel of each found is summed.
  @inline(__always)
  private func askBindings(from start: Int) -> UInt64 {
    let snapshot = view.snapshot()
    var sum: UInt64 = 0
    // `start` is a multiple of the batch below the number of queries.
    unsafe snapshot.lookupBindings(keys + start, count: Workload.batch, into: results)
    for position in 0..<Workload.batch {
      sum &+= UInt64(snapshot.binding(unsafe results[position]).tunnel.rawValue)
    }
    quiescence.report(0)
    return sum
  }

  /// All queries once.
  func bindings() -> UInt64 {
    quiescence.online(0)
    defer { quiescence.offline(0) }
    var sum: UInt64 = 0
    for start in stride(from: 0, to: Workload.queries, by: Workload.batch) { sum &+= askBindings(from: start) }
    return sum
  }

  /// Batch after batch, as a worker, until `goesOn` after one says no.
  func read(while goesOn: () -> Bool) -> UInt64 {
    quiescence.online(0)
    defer { quiescence.offline(0) }
    var sum: UInt64 = 0
    var start = 0
    repeat {
      sum &+= askBindings(from: start)
      start = (start + Workload.batch) % Workload.queries
    } while goesOn()
    return sum
  }

  /// All queries once, among the routes; the next hops are summed.
  func routes() -> UInt64 {
    quiescence.online(0)
    defer { quiescence.offline(0) }
    var sum: UInt64 = 0
    for start in stride(from: 0, to: Workload.queries, by: Workload.batch) {
      let snapshot = view.snapshot()
      // As above.
      unsafe snapshot.lookupRoutes(keys + start, count: Workload.batch, into: results)
      for position in 0..<Workload.batch { sum &+= UInt64(unsafe results[position]) }
      quiescence.report(0)
    }
    return sum
  }

  /// Compares every answer with the prefix that its query was made from.
  ///
  /// - Parameter expected: nil for a query that must find nothing.
  /// - Returns: the digest of all answers.
  func checkBindings(_ expected: (Int) -> (prefix: Prefix, tunnel: TunnelID)?) throws -> UInt64 {
    var digest = Digest()
    for start in stride(from: 0, to: Workload.queries, by: Workload.batch) {
      let snapshot = view.snapshot()
      // As above.
      unsafe snapshot.lookupBindings(keys + start, count: Workload.batch, into: results)
      for position in 0..<Workload.batch {
        let found = snapshot.binding(unsafe results[position])
        if let expected = expected(start + position) {
          let prefix = Prefix(address: found.network, length: found.prefixLength)
          if prefix != expected.prefix || found.tunnel != expected.tunnel { throw WrongAnswer(query: start + position) }
        } else if unsafe results[position] != 0 {
          throw WrongAnswer(query: start + position)
        }
        digest.add(found.tunnel.rawValue)
      }
    }
    return digest.value
  }

  /// The digest of all answers among the routes; run.py compares it with the peer's.
  func digestRoutes() -> UInt64 {
    var digest = Digest()
    for start in stride(from: 0, to: Workload.queries, by: Workload.batch) {
      // As above.
      unsafe view.snapshot().lookupRoutes(keys + start, count: Workload.batch, into: results)
      for position in 0..<Workload.batch { digest.add(unsafe results[position]) }
    }
    return digest.value
  }
}

struct WrongAnswer: Error, CustomStringConvertible {
  let query: Int
  var description: String { "wrong answer to query \(query)" }
}
