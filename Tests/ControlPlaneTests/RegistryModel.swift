import ControlProtocol

/// What the registry must do, written as slowly and plainly as possible: dictionaries, scans, no deltas.
struct RegistryModel {
  struct Binding {
    var record: BindingRecord
    /// Seconds, as it was set.
    var lifetime: UInt32?
    var expiry: UInt64?
    var removal: UInt64?
  }

  struct Tunnel: Equatable {
    var isStatic = false
    var isConfigured = false
    var hopLimit: UInt8?
  }

  /// Without `expect`.
  var bindings: [TableKey: Binding] = [:]
  var tunnels: [WireTunnel: Tunnel] = [:]
  var failed: Set<WireAddress> = []

  func users(_ tunnel: WireTunnel) -> Int { bindings.values.count { $0.record.tunnel == tunnel } }

  /// Applies valid records in order; returns how many changed anything.
  mutating func set(_ records: [TableRecord], now: UInt64) -> Int {
    var changed = 0
    for record in records {
      switch record {
      case .binding(let record): if set(record, now: now) { changed += 1 }
      case .tunnel(let record):
        let tunnel = Tunnel(isStatic: record.isStatic, isConfigured: true, hopLimit: record.hopLimit)
        if tunnels[record.tunnel] != tunnel { changed += 1 }
        tunnels[record.tunnel] = tunnel
      case .peer(let record):
        if failed.contains(record.address) != (record.state == .failed) { changed += 1 }
        if record.state == .failed { failed.insert(record.address) } else { failed.remove(record.address) }
      case .visitor, .route: preconditionFailure("the random sequences have none")
      }
    }
    dropUnused()
    return changed
  }

  private mutating func set(_ record: BindingRecord, now: UInt64) -> Bool {
    let old = bindings[record.key]
    var new = Binding(record: record)
    new.lifetime = record.lifetime
    new.expiry = record.lifetime.map { now + UInt64($0) * 1_000_000_000 }
    if record.state == .deregistering {
      new.removal = old?.record.state == .deregistering ? old?.removal : now + 10_000_000_000
    }
    new.record.lifetime = nil
    bindings[record.key] = new
    if tunnels[record.tunnel] == nil { tunnels[record.tunnel] = Tunnel() }
    return old?.record != new.record || old?.lifetime != new.lifetime
  }

  mutating func remove(_ key: TableKey) {
    bindings[key] = nil
    dropUnused()
  }

  /// - Returns: how many bindings of this remote went.
  mutating func revoke(_ remote: WireAddress, _ table: BindingRecord.Table?) -> Int {
    let before = bindings.count
    bindings = bindings.filter {
      $0.value.record.tunnel.remote != remote || ![nil, $0.value.record.table].contains(table)
    }
    dropUnused()
    return before - bindings.count
  }

  mutating func advance(to now: UInt64) {
    bindings = bindings.filter { min($0.value.expiry ?? .max, $0.value.removal ?? .max) > now }
    dropUnused()
  }

  /// Makes the records the content of these tables.
  mutating func replace(_ tables: Set<TableNumber>, with records: [TableRecord], now: UInt64) {
    let named = Set(records.map(\.key))
    for key in keys where tables.contains(key.table) && !named.contains(key) { forget(key) }
    _ = set(records, now: now)
  }

  /// Removes these entries in one step.
  mutating func sweep(_ swept: Set<TableKey>) {
    for key in swept { forget(key) }
    dropUnused()
  }

  /// A tunnel that something names stays, as if nobody had set it.
  private mutating func forget(_ key: TableKey) {
    switch key {
    case .tunnel(let tunnel): tunnels[tunnel] = Tunnel()
    case .peer(let address): failed.remove(address)
    default: bindings[key] = nil
    }
  }

  /// Of entries that somebody set.
  var keys: Set<TableKey> {
    Set(bindings.keys).union(tunnels.filter(\.value.isConfigured).keys.map { .tunnel($0) }).union(
      failed.map { .peer($0) })
  }

  /// Everything of an entry but its users; nil: nobody has set it.
  func value(_ key: TableKey) -> String? {
    switch key {
    case .tunnel(let tunnel): tunnels[tunnel].flatMap { $0.isConfigured ? "\($0)" : nil }
    case .peer(let address): failed.contains(address) ? "failed" : nil
    default: bindings[key].map { "\($0.record) \($0.lifetime ?? 0)" }
    }
  }

  /// CONTRACT, "Records": a tunnel that nobody set goes when its last user goes.
  private mutating func dropUnused() {
    tunnels = tunnels.filter { $0.value.isConfigured || users($0.key) > 0 }
  }

  /// What a dump must hold.
  func records(now: UInt64) -> Set<TableRecord> {
    var all = Set(failed.map { TableRecord.peer(PeerRecord(address: $0, state: .failed)) })
    for (endpoints, tunnel) in tunnels where tunnel.isConfigured {
      all.insert(
        .tunnel(
          TunnelRecord(
            tunnel: endpoints, isStatic: tunnel.isStatic, hopLimit: tunnel.hopLimit, users: UInt32(users(endpoints)))))
    }
    for binding in bindings.values {
      var record = binding.record
      record.lifetime = binding.expiry.map { UInt32(max(1, ($0 - now + 999_999_999) / 1_000_000_000)) }
      all.insert(.binding(record))
    }
    return all
  }
}
