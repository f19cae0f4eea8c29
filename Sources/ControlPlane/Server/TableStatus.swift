import ControlProtocol
import FlowTable

/// The forwarding table in the words of STATUS: load, probe lengths, memory, what waits for readers, and the audit.
struct TableStatus {
  let statistics: TableStatistics
  let memory: TableMemory
  let auditor: TableAuditor
  let stuckWorkers: [Int]
  /// Of the clock, in nanoseconds.
  let now: UInt64

  /// The share of the retire queue from which on it is worth a warning.
  private static let crowded = 0.75

  /// What an operator should see first.
  var warnings: [StatusItem] {
    var warnings: [StatusItem] = []
    if !stuckWorkers.isEmpty {
      let words = "workers \(stuckWorkers) do not move: nothing replaced is freed, and updates are refused when"
      warnings.append(
        StatusItem(
          key: "warning.workers",
          value: "\(words) \(statistics.retiredCapacity) records wait (now \(statistics.retired))"))
    }
    if Double(statistics.retired) > Double(statistics.retiredCapacity) * Self.crowded {
      warnings.append(
        StatusItem(
          key: "warning.retired",
          value: "\(statistics.retired) of \(statistics.retiredCapacity) replaced records wait for workers"))
    }
    if let report = auditor.last?.report, !report.isSound {
      warnings.append(
        StatusItem(
          key: "warning.audit",
          value: "the forwarding table is damaged (\(report.findingCount) findings): dump, restart, load, and report it"
        ))
    }
    return warnings
  }

  var items: [StatusItem] {
    let report = auditor.last?.report
    return shape("proxy", statistics.proxyTable, report?.proxyTable.probes)
      + shape("mobile", statistics.mobileTable, report?.mobileTable.probes)
      + shape("routes", statistics.routeTable, report?.routeTable.probes)
      + list(
        "memory",
        [
          ("buckets", memory.buckets), ("records", memory.records), ("counters", memory.counters),
          ("retire-queue", memory.retireQueue), ("tunnels", memory.tunnels), ("route-trie", memory.routeTrie),
          ("free-lists", memory.freeLists), ("total", memory.total),
        ].map { ($0.0, "\($0.1)") })
      + list(
        "retired",
        [
          ("waiting", "\(statistics.retired)"), ("capacity", "\(statistics.retiredCapacity)"),
          ("lagging-workers", text(statistics.laggingWorkers)), ("stuck-workers", text(stuckWorkers)),
        ]) + auditItems
  }

  private func shape(
    _ name: String, _ table: TableStatistics.Prefixes, _ probes: ProbeLengths?
  ) -> [StatusItem] {
    var facts: [(String, String)] = [
      ("entries", "\(table.entries)"), ("slots", "\(table.slots)"), ("load", Self.decimal(table.loadFactor)),
      ("growing", table.isGrowing ? "yes" : "no"),
    ]
    if let probes {
      facts += [
        ("probes-mean", Self.decimal(probes.mean)), ("probes-999", "\(probes.quantile(0.999))"),
        ("probes-longest", "\(probes.longest)"),
      ]
    }
    return list("table.\(name)", facts)
  }

  private var auditItems: [StatusItem] {
    guard let last = auditor.last else {
      return list("audit", [("result", auditor.refusal.map { "impossible: \($0)" } ?? "running")])
    }
    let report = last.report
    let sound = report.isWhole ? "ok" : "ok while changing"
    let facts = [
      ("result", report.isSound ? sound : "damaged"), ("findings", "\(report.findingCount)"),
      ("entries", "\(report.entriesChecked)"), ("age", "\((now &- last.finishedAt) / 1_000_000_000)"),
      ("running", auditor.isRunning ? "yes" : "no"),
    ]
    return list("audit", facts)
      + report.findings.enumerated().map { StatusItem(key: "audit.finding.\($0)", value: "\($1)") }
  }

  private func list(_ name: String, _ facts: [(String, String)]) -> [StatusItem] {
    facts.map { StatusItem(key: "\(name).\($0.0)", value: $0.1) }
  }

  private func text(_ workers: [Int]) -> String {
    workers.isEmpty ? "none" : workers.map(String.init).joined(separator: " ")
  }

  /// Three decimals, without the trailing zeros.
  static func decimal(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let (whole, rest) = thousandths.quotientAndRemainder(dividingBy: 1000)
    guard rest != 0 else { return "\(whole)" }
    var digits = String(rest + 1000).dropFirst()
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits)"
  }
}
