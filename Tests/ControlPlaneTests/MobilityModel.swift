import ControlProtocol

/// What a MAG's registry must hold, written as slowly and plainly as possible: dictionaries, scans, no deltas.
///
/// Handover: CONTRACT, "Records" and "Settled details"; localized routes: RFC 6705; failed peers: RFC 5847.
struct MobilityModel {
  struct Binding {
    var record: BindingRecord
    /// The other MAG: the record's, or after the handover the one that is still heard.
    var peer: WireTunnel?
    var isFlushed = false
    /// Packets may be held for it.
    var holds = false
    /// Seconds, as it was set.
    var lifetime: UInt32?
    var expiry: UInt64?
    var removal: UInt64?

    /// Whose packets are counted together.
    var owner: String { record.mobileNode ?? "prefix \(record.prefix)" }
  }

  struct Tunnel: Equatable {
    var isStatic = false
    var isConfigured = false
    var hopLimit: UInt8?
  }

  struct Route {
    var record: LocalizedRouteRecord
    /// Seconds, as it was set.
    var lifetime: UInt32?
    var expiry: UInt64?
  }

  /// `local-routing` of the configuration.
  var localRouting = false
  var bindings: [WirePrefix: Binding] = [:]
  var tunnels: [WireTunnel: Tunnel] = [:]
  var routes: [TableKey: Route] = [:]
  var visitors: [WirePrefix: String] = [:]
  var failed: Set<WireAddress> = []

  func users(_ tunnel: WireTunnel) -> Int {
    bindings.values.count { $0.record.tunnel == tunnel } + bindings.values.count { $0.peer == tunnel }
      + routes.values.count { $0.record.via == .tunnel(tunnel) }
  }

  func isLocalRoutingOn(_ prefix: WirePrefix) -> Bool { bindings[prefix]?.record.localRouting ?? localRouting }

  /// The routes that packets from a prefix may take to another MAG now.
  func routesInUse(from prefix: WirePrefix) -> [LocalizedRouteRecord] {
    guard bindings[prefix] != nil, isLocalRoutingOn(prefix) else { return [] }
    return routes.values.map(\.record).filter { $0.from == prefix && $0.via != .local }
  }

  /// Owners of the ledger's accounts.
  var owners: Set<String> { Set(bindings.values.filter(\.holds).map(\.owner)) }

  /// The field of the first record that must be refused, with its index; the records before it are staged.
  mutating func set(
    _ records: [TableRecord], now: UInt64, held: [String: Int]
  ) -> (changed: Int, refused: (index: Int, field: String)?) {
    var changed = 0
    for (index, record) in records.enumerated() {
      switch record {
      case .binding(let record):
        if visitors[record.prefix] != nil { return (0, (index, "prefix")) }
        if set(record, now: now, held: held) { changed += 1 }
      case .tunnel(let record):
        let tunnel = Tunnel(isStatic: record.isStatic, isConfigured: true, hopLimit: record.hopLimit)
        if tunnels[record.tunnel] != tunnel { changed += 1 }
        tunnels[record.tunnel] = tunnel
      case .visitor(let record):
        if bindings[record.prefix] != nil { return (0, (index, "visitor")) }
        if visitors.updateValue(record.port, forKey: record.prefix) != record.port { changed += 1 }
      case .route(let record):
        if !isLocalRoutingOn(record.from) { return (0, (index, "route.from")) }
        if set(record, now: now) { changed += 1 }
      case .peer(let record):
        let isChange = failed.contains(record.address) != (record.state == .failed)
        if isChange { changed += 1 }
        if record.state == .failed { failed.insert(record.address) } else { failed.remove(record.address) }
      }
    }
    dropUnused()
    return (changed, nil)
  }

  private mutating func set(_ record: BindingRecord, now: UInt64, held: [String: Int]) -> Bool {
    let old = bindings[record.prefix]
    var new = Binding(record: record, peer: record.peer)
    if record.state == .active, let old {
      // A handover that is over may still have packets on their way, or held.
      let isOver = old.record.state == .flushing || old.record.state == .relaying
      let isBack = old.record.state == .redirecting && old.holds
      new.isFlushed = isOver || ((old.isFlushed || isBack) && held[old.owner] ?? 0 > 0)
      // The other MAG is heard until the next word about this very binding.
      if isOver { new.peer = old.peer }
    }
    switch record.state {
    case .buffering, .flushing: new.holds = true
    case .redirecting, .relaying: new.holds = old?.holds ?? false
    case .active: new.holds = new.isFlushed && old?.holds ?? false
    case .pending, .deregistering: new.holds = false
    }
    new.lifetime = record.lifetime
    new.expiry = record.lifetime.map { now + UInt64($0) * 1_000_000_000 }
    if record.state == .deregistering {
      new.removal = old?.record.state == .deregistering ? old?.removal : now + 10_000_000_000
    }
    new.record.lifetime = nil
    bindings[record.prefix] = new
    for tunnel in [record.tunnel, record.peer].compactMap(\.self) where tunnels[tunnel] == nil {
      tunnels[tunnel] = Tunnel()
    }
    return old?.record != new.record || old?.lifetime != new.lifetime || old?.isFlushed != new.isFlushed
      || old?.peer != new.peer
  }

  private mutating func set(_ record: LocalizedRouteRecord, now: UInt64) -> Bool {
    let expiry = record.lifetime.map { now + UInt64($0) * 1_000_000_000 }
    var new = Route(record: record, lifetime: record.lifetime, expiry: expiry)
    new.record.lifetime = nil
    let old = routes.updateValue(new, forKey: record.key)
    if case .tunnel(let via) = record.via, tunnels[via] == nil { tunnels[via] = Tunnel() }
    return old?.record != new.record || old?.lifetime != new.lifetime
  }

  /// Whether there was one; nil: a tunnel in use.
  mutating func remove(_ key: TableKey) -> Int? {
    defer { dropUnused() }
    switch key {
    case .binding(_, let prefix, _): return bindings.removeValue(forKey: prefix) == nil ? 0 : 1
    case .bindings(let remote, let table):
      guard table != .mobile else { return 0 }
      let gone = bindings.filter { $0.value.record.tunnel.remote == remote }
      for prefix in gone.keys { bindings[prefix] = nil }
      return gone.count
    case .tunnel(let tunnel):
      guard users(tunnel) == 0 else { return nil }
      return tunnels.removeValue(forKey: tunnel) == nil ? 0 : 1
    case .route: return routes.removeValue(forKey: key) == nil ? 0 : 1
    case .visitor(let prefix): return visitors.removeValue(forKey: prefix) == nil ? 0 : 1
    case .peer(let address): return failed.remove(address) == nil ? 0 : 1
    }
  }

  /// - Returns: the prefixes whose flush has ended.
  mutating func advance(to now: UInt64, held: [String: Int]) -> Set<WirePrefix> {
    var flushed: Set<WirePrefix> = []
    for (prefix, binding) in bindings where binding.record.state == .flushing && held[binding.owner] ?? 0 == 0 {
      flushed.insert(prefix)
      bindings[prefix]?.record.state = .active
      bindings[prefix]?.record.peer = nil
      bindings[prefix]?.isFlushed = true
    }
    bindings = bindings.filter { min($0.value.expiry ?? .max, $0.value.removal ?? .max) > now }
    routes = routes.filter { $0.value.expiry ?? .max > now }
    dropUnused()
    return flushed
  }

  /// CONTRACT, "Records": a tunnel that nobody set goes when its last user goes.
  private mutating func dropUnused() {
    tunnels = tunnels.filter { $0.value.isConfigured || users($0.key) > 0 }
  }

  /// What a dump must hold: what was set, as it is now.
  func records(now: UInt64) -> Set<TableRecord> {
    func left(_ expiry: UInt64?) -> UInt32? { expiry.map { UInt32(max(1, ($0 - now + 999_999_999) / 1_000_000_000)) } }
    var all = Set(failed.map { TableRecord.peer(PeerRecord(address: $0, state: .failed)) })
    for (prefix, port) in visitors { all.insert(.visitor(VisitorRecord(prefix: prefix, port: port))) }
    for (endpoints, tunnel) in tunnels where tunnel.isConfigured {
      all.insert(
        .tunnel(
          TunnelRecord(
            tunnel: endpoints, isStatic: tunnel.isStatic, hopLimit: tunnel.hopLimit, users: UInt32(users(endpoints)))))
    }
    for binding in bindings.values {
      var record = binding.record
      record.lifetime = left(binding.expiry)
      all.insert(.binding(record))
    }
    // One that a load would refuse is inert, and not in it.
    for route in routes.values where isLocalRoutingOn(route.record.from) {
      var record = route.record
      record.lifetime = left(route.expiry)
      all.insert(.route(record))
    }
    return all
  }

  /// What the digests are of: everything that somebody has set, also routes that wait and are in no dump.
  func entries(now: UInt64) -> [TableRecord] {
    records(now: now) + routes.values.filter { !isLocalRoutingOn($0.record.from) }.map { .route($0.record) }
  }
}
