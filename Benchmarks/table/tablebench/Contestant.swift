import FlowTable

/// All tables of the suite, filled and checked, and the figures that can be asked of them.
final class Contestant {
  private let oneMillion: Question
  private let churned: Question
  private let tenMillion: Question
  private let misses: Question
  private let mixed: Question
  private let fullTable: Question
  private let updateBench: UpdateBench
  /// Loaded anew for every figure of loading.
  private let prefixes: [Prefix]
  private var digests: [String: UInt64] = [:]
  private let tableBytes: Int
  private let residentGrowth: Int

  init(routes path: String) throws {
    prefixes = Workload.prefixes(Workload.million)
    let before = Processor.residentBytes()
    let loaded = try LoadedTable(prefixes)
    residentGrowth = Processor.residentBytes() - before
    tableBytes = loaded.writer.statistics.memoryBytes
    let asked = Workload.queries(prefixes)
    (oneMillion, digests["digest-1m"]) = try Self.question(loaded, prefixes)
    misses = Question(loaded, Workload.misses())
    _ = try misses.checkBindings { _ in nil }
    var moved = prefixes
    let worn = try LoadedTable(moved)
    try worn.churn(&moved, turnovers: 3)
    (churned, digests["digest-churned"]) = try Self.question(worn, moved)
    updateBench = try UpdateBench(prefixes, asked.keys)
    let mixedPrefixes = Workload.prefixes(Workload.million, isMixed: true)
    (mixed, digests["digest-mixed"]) = try Self.question(try LoadedTable(mixedPrefixes), mixedPrefixes)
    let manyPrefixes = Workload.prefixes(10 * Workload.million)
    (tenMillion, digests["digest-10m"]) = try Self.question(try LoadedTable(manyPrefixes), manyPrefixes)
    let routes = try RouteList.read(path)
    let routed = try LoadedTable()
    try routed.load(routes: routes)
    fullTable = Question(routed, Workload.queries(routes.map(\.prefix)).keys)
    digests["digest-full-table"] = fullTable.digestRoutes()
  }

  /// Queries of random members, every answer checked, and the digest of the answers.
  private static func question(_ loaded: LoadedTable, _ prefixes: [Prefix]) throws -> (Question, UInt64) {
    let asked = Workload.queries(prefixes)
    let question = Question(loaded, asked.keys)
    let digest = try question.checkBindings { query in
      let member = asked.members[query]
      return (prefixes[member], Workload.tunnel(of: member))
    }
    return (question, digest)
  }

  /// The figure or digest of one measurement as text; nil for a name that does not exist.
  func answer(_ name: String) throws -> String? {
    switch name {
    case "lookup-1m": "\(Processor.rate(Workload.queries, oneMillion.bindings))"
    case "lookup-1m-churned": "\(Processor.rate(Workload.queries, churned.bindings))"
    case "lookup-10m": "\(Processor.rate(Workload.queries, tenMillion.bindings))"
    case "lookup-miss": "\(Processor.rate(Workload.queries, misses.bindings))"
    case "lookup-mixed": "\(Processor.rate(Workload.queries, mixed.bindings))"
    case "lpm-full-table": "\(Processor.rate(Workload.queries, fullTable.routes))"
    case "update": "\(try updateBench.updates(batch: 256))"
    case "update-single": "\(try updateBench.updates(batch: 1))"
    case "update-reader-share": "\(try updateBench.readerShare())"
    case "load-1m": "\(try loadSeconds())"
    case "bytes-per-binding": "\(Double(tableBytes) / Double(Workload.million))"
    case "resident-per-binding": "\(Double(residentGrowth) / Double(Workload.million))"
    default: digests[name].map { "\($0)" }
    }
  }

  /// Seconds from an empty table, small as it begins, to a million bindings published.
  private func loadSeconds() throws -> Double {
    let empty = try LoadedTable()
    let start = Processor.seconds()
    try empty.load(prefixes)
    return Processor.seconds() - start
  }
}
