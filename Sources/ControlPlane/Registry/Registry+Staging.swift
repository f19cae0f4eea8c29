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

  private func stage(_ record: BindingRecord, now: UInt64) throws(RecordRefusal) -> Bool {
    let checked = try rules.check(record)
    let prefix = checked.key.prefix
    guard visitors.find(prefix) == nil else {
      throw RecordRefusal(code: .conflict, field: "prefix", rule: "\(prefix) is a visitor prefix")
    }
    let packed = PackedKey(checked.key)
    let slot = bindings.find(packed)
    let previous = slot.flatMap { bindings[$0] }
    let endsHandover = record.state == .active && previous?.state.endsInActive ?? false
    let isFlushed = endsHandover || (slot.map { awaitsHeld(record, $0) } ?? false)
    let sameTunnel = leads(previous?.tunnel, to: checked.tunnel)
    let samePeer = endsHandover || leads(previous?.peer, to: checked.peer)
    var entry = BindingEntry(
      packedKey: packed, tunnel: sameTunnel ? previous?.tunnel ?? 0 : 0, peer: samePeer ? previous?.peer : nil,
      state: BindingState(record.state), isFlushed: isFlushed, localRouting: record.localRouting,
      requiresESP: record.requiresESP, access: checked.access, mobileNode: record.mobileNode)
    entry.holds = holds(entry, after: previous)
    setDeadlines(of: &entry, lifetime: record.lifetime, previous: previous, now: now)
    if sameTunnel, samePeer, let previous, entry.forwardsLike(previous), entry.mobileNode == previous.mobileNode,
      entry.expiry == previous.expiry
    {
      return false
    }
    if !sameTunnel {
      entry.tunnel = use(checked.tunnel)
      if let previous { release(previous.tunnel) }
    }
    if !samePeer {
      if let peer = checked.peer { entry.peer = use(peer) }
      if let previous { releasePeer(of: previous) }
    } else if let peer = entry.peer, let previous, previous.isFlushed != entry.isFlushed {
      // It is only still heard now; or it was, and is the peer of another handover.
      noteTunnel(peer)
      tunnels[peer]?.quietUsers += entry.isFlushed ? 1 : -1
    }
    store(entry, in: slot, previous: previous)
    return true
  }

  /// Whether `active` repeats the end of a handover of which packets are still held: they go out, but nothing more comes
  /// from the peer. After `buffering` it is the handover's cancellation instead.
  private func awaitsHeld(_ record: BindingRecord, _ slot: UInt32) -> Bool {
    guard record.state == .active, let previous = bindings[slot], previous.state == .active, previous.isFlushed,
      let id = accounts.id(HoldingAccounts.Owner(slot, previous))
    else { return false }
    return ledger.held(id) > 0
  }

  private func holds(_ entry: BindingEntry, after previous: BindingEntry?) -> Bool {
    switch entry.state {
    case .buffering, .flushing: true
    // What was held before goes out by the way of now.
    case .redirecting, .relaying: previous?.holds ?? false
    case .active: entry.isFlushed && previous?.holds ?? false
    case .pending, .deregistering: false
    }
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
    if entry.holds || previous?.holds ?? false { journal.concernsHandovers = true }
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
    var visitor = try rules.check(record)
    visitor.touched = journal.number
    guard bindings.find(PackedKey(visitor.binding.key)) == nil else {
      throw RecordRefusal(code: .conflict, field: "visitor", rule: "\(visitor.prefix) is bound to a mobile node")
    }
    guard let slot = visitors.find(visitor.prefix), let previous = visitors[slot] else {
      let slot = visitors.insert(visitor.prefix, visitor)
      journal.visitors.append(.init(slot: slot, previous: nil))
      return true
    }
    guard previous.port != visitor.port else { return false }
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
      tunnels.unlink(entry.endpoints)
      return true
    case .visitor(let wire):
      guard let slot = visitors.find(Prefix(wire)), let entry = visitors[slot] else { return false }
      journal.visitors.append(.init(slot: slot, previous: entry, isRemoved: true))
      visitors.unlink(entry.prefix)
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

  func removeBinding(_ slot: UInt32, _ entry: BindingEntry) {
    release(entry.tunnel)
    releasePeer(of: entry)
    if entry.holds { journal.concernsHandovers = true }
    journal.bindings.append(.init(slot: slot, previous: entry, isRemoved: true))
    bindings.unlink(entry.packedKey)
  }
}

extension BindingState {
  /// Whether `active` after it ends a handover in which nothing may be lost: the peer's last packets are still on their
  /// way and heard until the next record, and what is held goes out.
  fileprivate var endsInActive: Bool { self == .flushing || self == .relaying }
}
