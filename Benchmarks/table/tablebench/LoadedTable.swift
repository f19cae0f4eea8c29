import FlowTable

/// A table with its writer, filled as a control daemon would fill it.
struct LoadedTable {
  let table: FlowTable
  let writer: TableWriter

  /// Changes of one `apply` while loading.
  static let loadBatch = 4096
  /// Bindings of each `apply` that go, and that come, while a table is churned.
  static let churnBatch = 128

  /// Empty but for the tunnels; limits as fastpathd's, with one worker.
  init() throws {
    table = try FlowTable(limits: FlowTableLimits(workers: 1))
    writer = try table.makeWriter()
    let local = IPAddress(ipv6High: 0x2001_0db8_0001_0000, low: 1)
    for number in 0..<Workload.tunnels {
      let remote = IPAddress(ipv6High: 0x2001_0db8_000a_0000, low: UInt64(1 + number))
      let settings = TunnelSettings(endpoints: TunnelEndpoints(local: local, remote: remote))
      let id = try writer.addTunnel(settings, nextHop: NextHopID(0))
      // What `Workload.tunnel` and the digests count on.
      precondition(id == Workload.tunnel(of: number), "a fresh table numbers its tunnels from 1")
    }
  }

  init(_ prefixes: [Prefix]) throws {
    try self.init()
    try load(prefixes)
  }

  /// Inserts bindings in batches until all are published.
  func load(_ prefixes: [Prefix]) throws {
    var changes: [TableWriter.BindingChange] = []
    changes.reserveCapacity(Self.loadBatch)
    for (member, prefix) in prefixes.enumerated() {
      let key = BindingKey(table: .proxy, prefix: prefix)
      changes.append(.set(Binding(key: key, tunnel: Workload.tunnel(of: member))))
      if changes.count == Self.loadBatch || member == prefixes.count - 1 {
        try writer.apply(changes)
        writer.reclaim()
        changes.removeAll(keepingCapacity: true)
      }
    }
  }

  /// Removes random bindings and inserts others in their places, as many as there are `turnovers` times.
  func churn(_ prefixes: inout [Prefix], turnovers: Int) throws {
    var random = SplitMix64(.churn)
    var changes: [TableWriter.BindingChange] = []
    for _ in 0..<turnovers * prefixes.count / Self.churnBatch {
      for _ in 0..<Self.churnBatch {
        let member = random.next(below: prefixes.count)
        changes.append(.remove(BindingKey(table: .proxy, prefix: prefixes[member])))
        prefixes[member] = Prefix(covering: random.address(), length: 64)
        let key = BindingKey(table: .proxy, prefix: prefixes[member])
        changes.append(.set(Binding(key: key, tunnel: Workload.tunnel(of: member))))
      }
      try writer.apply(changes)
      writer.reclaim()
      changes.removeAll(keepingCapacity: true)
    }
  }

  /// Inserts routes, in batches, and the next hops that they name.
  func load(routes: [(prefix: Prefix, nextHop: UInt32)]) throws {
    for number in 1...(routes.map(\.nextHop).max() ?? 1) {
      let id = try writer.addNextHop(.unresolved)
      precondition(id.rawValue == number, "a fresh table numbers its next hops from 1")
    }
    for start in stride(from: 0, to: routes.count, by: Self.loadBatch) {
      let part = routes[start..<min(start + Self.loadBatch, routes.count)]
      try writer.apply(routes: part.map { .set($0.prefix, NextHopID($0.nextHop)) })
      writer.reclaim()
    }
  }
}
