import ControlProtocol
import FlowTable

extension Registry {
  /// Puts one record into the registry, with a note of what was there. False: it was there already.
  func stage(_ record: TableRecord, now: UInt64) throws(RecordRefusal) -> Bool {
    switch record {
    case .binding(let record): return try stage(record, now: now)
    case .tunnel(let record): return try stage(record)
    case .visitor(let record): return try stage(record)
    case .route(let record): return try stage(record, now: now)
    case .peer(let record): return try stage(record)
    }
  }

  private func stage(_ record: TunnelRecord) throws(RecordRefusal) -> Bool {
    let (endpoints, choices) = try rules.check(record)
    let known = tunnels.find(endpoints)
    if let known, let entry = tunnels[known], entry.isConfigured, entry.choices == choices,
      entry.isStatic == record.isStatic
    {
      renew(.tunnels, known, entry.origin, lifetime: 0)
      return false
    }
    try checkRoom(for: [endpoints])
    let slot = tunnelSlot(endpoints)
    noteTunnel(slot)
    tunnels[slot]?.choices = choices
    tunnels[slot]?.isStatic = record.isStatic
    tunnels[slot]?.isConfigured = true
    tunnels[slot]?.origin = owners.origin(.tunnels)
    return true
  }

  private func stage(_ record: VisitorRecord) throws(RecordRefusal) -> Bool {
    var visitor = try rules.check(record)
    visitor.touched = journal.number
    visitor.origin = owners.origin(.visitors)
    guard bindings.find(PackedKey(visitor.binding.key)) == nil else {
      throw RecordRefusal(code: .conflict, field: "visitor", rule: "\(visitor.prefix) is bound to a mobile node")
    }
    guard let slot = visitors.find(visitor.prefix), let previous = visitors[slot] else {
      try checkRoomForPrefix()
      let slot = visitors.insert(visitor)
      journal.visitors.append(.init(slot: slot, previous: nil))
      return true
    }
    guard previous.port != visitor.port else {
      renew(.visitors, slot, previous.origin, lifetime: 0)
      return false
    }
    visitors[slot] = visitor
    if previous.touched != journal.number { journal.visitors.append(.init(slot: slot, previous: previous)) }
    return true
  }

  /// Takes one key out of the registry, with a note of what was there. False: nothing was; nil: a bulk revocation has
  /// begun, whose bindings go later.
  func stageRemoval(_ key: TableKey) throws(RecordRefusal) -> Bool? {
    switch key {
    case .binding(let table, let prefix, let expect):
      let key = BindingKey(table: BindingTable(table), prefix: Prefix(prefix))
      return try stageRemoval(key, expect: expect.map(IPAddress.init))
    case .bindings(let remote, let table):
      try stageRevocation(of: IPAddress(remote), table.map(BindingTable.init))
      return nil
    case .tunnel(let wire):
      guard let slot = tunnels.find(TunnelEndpoints(wire)), let entry = tunnels[slot] else { return false }
      guard entry.users == 0 else {
        throw RecordRefusal(code: .conflict, field: "tunnel", rule: "\(entry.users) bindings or routes use it")
      }
      noteTunnel(slot)
      markRemoved(slot)
      tunnels.unlink(slot)
      return true
    case .visitor(let wire):
      guard let slot = visitors.find(Prefix(wire)), let entry = visitors[slot] else { return false }
      removeVisitor(slot, entry)
      return true
    case .route(let from, let to):
      let key = RouteKey(from: Prefix(from), to: Prefix(to))
      guard let slot = routes.find(key), let entry = routes[slot] else { return false }
      removeRoute(slot, entry)
      return true
    case .peer(let wire): return stageRecovery(of: IPAddress(wire))
    }
  }

  private func stageRemoval(_ key: BindingKey, expect: IPAddress?) throws(RecordRefusal) -> Bool {
    guard let slot = bindings.find(PackedKey(key)), let entry = bindings[slot] else { return false }
    let remote = tunnels[entry.tunnel]?.endpoints.remote
    if let expect, expect != remote {
      let now = remote.map { "\($0)" } ?? "none"
      throw RecordRefusal(code: .stale, field: "expect", rule: "the tunnel's remote is \(now) now, not \(expect)")
    }
    removeBinding(slot, entry)
    return true
  }

  func removeVisitor(_ slot: UInt32, _ entry: VisitorEntry) {
    journal.visitors.append(.init(slot: slot, previous: entry, isRemoved: true))
    visitors.unlink(slot)
  }

  func removeBinding(_ slot: UInt32, _ entry: BindingEntry) {
    release(entry.tunnel)
    releasePeer(of: entry)
    if entry.holds { journal.concernsHandovers = true }
    journal.note(slot, previous: entry, isRemoved: true)
    bindings.unlink(slot)
  }
}
