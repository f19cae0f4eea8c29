import ControlProtocol

// What HELLO, STATUS, COUNTERS and the metrics say.

extension RequestResponder {
  func hello(_ access: HelloReply.Access) -> HelloReply {
    let registry = core.registry
    return HelloReply(
      access: access, role: configuration.role == .localMobilityAnchor ? .lma : .mag, bootID: identity.bootID,
      generation: registry.generation, limits: limits,
      tables: registry.sizes(core.capacities).map {
        let contents = registry.contents(of: $0.table)
        return HelloReply.Table(
          number: $0.table.rawValue, recordSize: UInt16($0.table.recordSize), entries: UInt64($0.entries),
          capacity: UInt64($0.capacity), digest: contents.digest, hasStaleEntries: contents.hasStale)
      },
      software: identity.software)
  }

  /// Warnings first, then the daemon, its tables, and what the source knows.
  func statusItems() -> [StatusItem] {
    var items = source.warnings.enumerated().map { StatusItem(key: "warning.\($0)", value: $1) }
    if let error = core.resolver.pendingError {
      items.append(StatusItem(key: "warning.routes", value: "routes cannot all be mirrored: \(error)"))
    }
    let statistics = core.writer.statistics
    let table = TableStatus(
      statistics: statistics, memory: core.writer.memory, auditor: core.auditor, stuckWorkers: core.watch.stuck,
      now: core.clock())
    items += table.warnings
    let facts: [(String, String)] = [
      ("role", configuration.role.rawValue), ("version", identity.software),
      ("uptime", "\((core.clock() &- identity.startedAt) / 1_000_000_000)"), ("boot-id", identity.bootText),
      ("generation", "\(statistics.generation)"), ("table.bindings", "\(core.registry.bindingCount)"),
      ("table.tunnels", "\(core.registry.tunnelCount)"), ("table.visitors", "\(core.registry.visitorCount)"),
      ("table.localized-routes", "\(core.registry.routeCount)"),
      ("table.failed-peers", "\(core.registry.failedPeerCount)"),
      ("table.routes", "\(statistics.routes)"), ("table.next-hops", "\(statistics.nextHops)"),
      ("table.retired", "\(statistics.retired)"), ("table.bytes", "\(core.writer.memory.total)"),
    ]
    items += facts.map { StatusItem(key: $0, value: $1) }
    return items + table.items + source.statusItems
  }

  /// What the metrics show beside the counters. Nothing is audited for it: the findings are those of the last STATUS.
  var gauges: [MetricsText.Gauge] {
    let statistics = core.writer.statistics
    return [
      .init(name: "table_bindings", help: "Bindings in the forwarding table.", value: statistics.bindings),
      .init(name: "table_memory_bytes", help: "Memory of the forwarding table.", value: core.writer.memory.total),
      .init(
        name: "table_retired_records", help: "Replaced records that wait for workers.", value: statistics.retired),
      .init(
        name: "table_audit_findings", help: "Breaches found by the last audit of the forwarding table.",
        value: core.auditor.last?.report.findingCount ?? 0),
      .init(
        name: "stuck_workers", help: "Workers that hold up a grace period and do not move.",
        value: core.watch.stuck.count),
    ]
  }
}
