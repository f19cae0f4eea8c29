import ControlProtocol
import FlowTable

extension Registry {
  /// Puts one record into the registry, with a note of what was there. False: it was there already.
  func stage(_ record: TableRecord, now: UInt64) throws(RecordRefusal) -> Bool {
    switch record {
    case .binding(let record): return try stage(record, now: now)
    case .tunnel(let record): return try stage(record)
    case .visitor(let record): return try stage(record)
    case .route: throw .unsupported("route", "a localized route")
    }
  }

  private func stage(_ record: BindingRecord, now: UInt64) throws(RecordRefusal) -> Bool {
    let (key, endpoints, access) = try rules.check(record)
    guard let state = BindingState(record.state) else { throw .unsupported("state", record.state.name) }
    guard visitors.find(key.prefix) == nil else {
      throw RecordRefusal(code: .conflict, field: "prefix", rule: "\(key.prefix) is a visitor prefix")
    }
    let packed = PackedKey(key)
    let slot = bindings.find(packed)
    let previous = slot.flatMap { bindings[$0] }
    let sameTunnel = previous.flatMap { tunnels[$0.tunnel] }?.endpoints == endpoints
    var entry = BindingEntry(
      packedKey: packed, tunnel: sameTunnel ? previous?.tunnel ?? 0 : 0, state: state,
      localRouting: record.localRouting, requiresESP: record.requiresESP, access: access, mobileNode: record.mobileNode)
    setDeadlines(of: &entry, lifetime: record.lifetime, previous: previous, now: now)
    if sameTunnel, let previous, entry.forwardsLike(previous), entry.mobileNode == previous.mobileNode,
      entry.expiry == previous.expiry
    {
      return false
    }
    if !sameTunnel {
      entry.tunnel = tunnelSlot(endpoints)
      changeUsers(entry.tunnel, by: 1)
      if let previous { changeUsers(previous.tunnel, by: -1) }
    }
    store(entry, in: slot, previous: previous)
    return true
  }

  private func setDeadlines(of entry: inout BindingEntry, lifetime: UInt32?, previous: BindingEntry?, now: UInt64) {
    if let lifetime { entry.expiry = now &+ UInt64(lifetime) * 1_000_000_000 }
    guard entry.state == .deregistering else { return }
    // The wait begins with the first deregistration; repeating it does not prolong it (RFC 5213 section 5.3.5).
    entry.removal =
      previous?.state == .deregistering
      ? previous?.removal ?? BindingEntry.never : now &+ configuration.minDelayBeforeBCEDelete.nanoseconds
  }

  private func store(_ entry: BindingEntry, in slot: UInt32?, previous: BindingEntry?) {
    var entry = entry
    entry.touched = journal.number
    guard let slot, let previous else {
      let slot = bindings.insert(entry.packedKey, entry)
      journal.bindings.append(.init(slot: slot, previous: nil))
      return
    }
    entry.scheduled = previous.scheduled
    bindings[slot] = entry
    if previous.touched != journal.number { journal.bindings.append(.init(slot: slot, previous: previous)) }
  }

  private func stage(_ record: TunnelRecord) throws(RecordRefusal) -> Bool {
    let (endpoints, choices) = try rules.check(record)
    let known = tunnels.find(endpoints)
    if let known, let entry = tunnels[known], entry.isConfigured, entry.choices == choices,
      entry.isStatic == record.isStatic
    {
      return false
    }
    let slot = tunnelSlot(endpoints)
    noteTunnel(slot)
    tunnels[slot]?.choices = choices
    tunnels[slot]?.isStatic = record.isStatic
    tunnels[slot]?.isConfigured = true
    return true
  }

  private func stage(_ record: VisitorRecord) throws(RecordRefusal) -> Bool {
    let visitor = try rules.check(record)
    guard bindings.find(PackedKey(BindingKey(table: .proxy, prefix: visitor.prefix))) == nil else {
      throw RecordRefusal(code: .conflict, field: "visitor", rule: "\(visitor.prefix) is bound to a mobile node")
    }
    guard let slot = visitors.find(visitor.prefix), let previous = visitors[slot] else {
      let slot = visitors.insert(visitor.prefix, visitor)
      journal.visitors.append(.init(slot: slot, previous: nil))
      return true
    }
    guard previous.port != visitor.port else { return false }
    visitors[slot] = visitor
    journal.visitors.append(.init(slot: slot, previous: previous))
    return true
  }

  /// Takes one key out of the registry, with a note of what was there. False: nothing was.
  func stageRemoval(_ key: TableKey) throws(RecordRefusal) -> Bool {
    switch key {
    case .binding(let table, let prefix, let expect):
      let packed = PackedKey(BindingKey(table: BindingTable(table), prefix: Prefix(prefix)))
      guard let slot = bindings.find(packed), let entry = bindings[slot] else { return false }
      let remote = tunnels[entry.tunnel]?.endpoints.remote
      if let expect, IPAddress(expect) != remote {
        let now = remote.map { "\($0)" } ?? "none"
        throw RecordRefusal(
          code: .stale, field: "expect", rule: "the tunnel's remote is \(now) now, not \(IPAddress(expect))")
      }
      removeBinding(slot, entry)
      return true
    case .tunnel(let wire):
      guard let slot = tunnels.find(TunnelEndpoints(wire)), let entry = tunnels[slot] else { return false }
      guard entry.users == 0 else {
        throw RecordRefusal(code: .conflict, field: "tunnel", rule: "\(entry.users) bindings use it")
      }
      noteTunnel(slot)
      markRemoved(slot)
      tunnels.unlink(entry.endpoints)
      return true
    case .visitor(let wire):
      guard let slot = visitors.find(Prefix(wire)), let entry = visitors[slot] else { return false }
      journal.visitors.append(.init(slot: slot, previous: entry, isRemoved: true))
      visitors.unlink(entry.prefix)
      return true
    case .route: return false
    }
  }

  func removeBinding(_ slot: UInt32, _ entry: BindingEntry) {
    changeUsers(entry.tunnel, by: -1)
    journal.bindings.append(.init(slot: slot, previous: entry, isRemoved: true))
    bindings.unlink(entry.packedKey)
  }

  /// The slot of a tunnel, which exists from now on.
  private func tunnelSlot(_ endpoints: TunnelEndpoints) -> UInt32 {
    if let slot = tunnels.find(endpoints) { return slot }
    var entry = TunnelEntry(endpoints: endpoints)
    entry.touched = journal.number
    let slot = tunnels.insert(endpoints, entry)
    journal.tunnels.append(.init(slot: slot, previous: nil))
    return slot
  }

  private func changeUsers(_ slot: UInt32, by change: Int) {
    noteTunnel(slot)
    tunnels[slot]?.users += change
  }

  private func noteTunnel(_ slot: UInt32) {
    guard let entry = tunnels[slot], entry.touched != journal.number else { return }
    journal.tunnels.append(.init(slot: slot, previous: entry))
    tunnels[slot]?.touched = journal.number
  }

  private func markRemoved(_ slot: UInt32) {
    guard let index = journal.tunnels.lastIndex(where: { $0.slot == slot }) else { return }
    journal.tunnels[index].isRemoved = true
  }
}
