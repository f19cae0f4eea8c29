import ControlProtocol
import FlowTable

extension Registry {
  /// Entries of a LOOKUP, with their traffic; empty when nothing has that key.
  public func lookup(_ request: LookupRequest, now: UInt64) -> [LookupEntry] {
    switch request {
    case .address(let wire):
      let address = IPAddress(wire)
      // RFC 6612 section 4.2: Mobile IPv6 bindings first, whatever their prefix length.
      guard let found = writer.longestMatch(.mobile, address) ?? writer.longestMatch(.proxy, address) else { return [] }
      return (found.isVisitor ? entry(visitor: found.key.prefix) : entry(found.key, now: now)).map { [$0] } ?? []
    case .prefix(let wire):
      let prefix = Prefix(wire)
      let bound = BindingTable.allCases.compactMap { entry(BindingKey(table: $0, prefix: prefix), now: now) }
      let localized = (routesFrom[prefix] ?? []).compactMap { routes[$0] }
      return bound + (entry(visitor: prefix).map { [$0] } ?? [])
        + localized.map { LookupEntry(record: .route(record($0, now: now)), traffic: TrafficRecord()) }
    case .tunnel(let wire):
      guard let slot = tunnels.find(TunnelEndpoints(wire)), let entry = tunnels[slot] else { return [] }
      let traffic = entry.id.map { TrafficRecord(writer.tunnelTraffic($0)) } ?? TrafficRecord()
      return [LookupEntry(record: .tunnel(effectiveRecord(entry)), traffic: traffic)]
    case .route(let from, let to):
      let key = RouteKey(from: Prefix(from), to: Prefix(to))
      guard let entry = routes.find(key).flatMap({ routes[$0] }) else { return [] }
      return [LookupEntry(record: .route(record(entry, now: now)), traffic: TrafficRecord())]
    }
  }

  private func entry(_ key: BindingKey, now: UInt64) -> LookupEntry? {
    guard let slot = bindings.find(PackedKey(key)), let entry = bindings[slot] else { return nil }
    let traffic = writer.bindingTraffic(key).map(TrafficRecord.init) ?? TrafficRecord()
    return LookupEntry(record: .binding(record(entry, now: now)), traffic: traffic)
  }

  private func entry(visitor prefix: Prefix) -> LookupEntry? {
    visitors.find(prefix).flatMap { visitors[$0] }.map { entry in
      let traffic = writer.bindingTraffic(entry.binding.key).map(TrafficRecord.init) ?? TrafficRecord()
      return LookupEntry(record: .visitor(record(entry)), traffic: traffic)
    }
  }

  func record(_ entry: VisitorEntry) -> VisitorRecord {
    VisitorRecord(prefix: entry.prefix.wire, port: configuration.ports[Int(entry.port)].name)
  }

  /// A localized route as it was set, with what is left of its lifetime.
  func record(_ entry: RouteEntry, now: UInt64) -> LocalizedRouteRecord {
    let via = entry.via.flatMap { tunnels[$0] }.map { LocalizedRouteRecord.Via.tunnel($0.endpoints.wire) }
    return LocalizedRouteRecord(
      from: entry.key.from.wire, to: entry.key.to.wire, via: via ?? .local, receiveOnly: entry.isReceiveOnly,
      lifetime: Self.secondsLeft(entry.expiry, now))
  }

  /// Rounded up, and never 0, which would mean "no expiry" to a reader of the wire form.
  private static func secondsLeft(_ expiry: UInt64, _ now: UInt64) -> UInt32? {
    guard expiry != BindingEntry.never else { return nil }
    let left = expiry > now ? expiry - now : 0
    return UInt32(clamping: max(1, (left + 999_999_999) / 1_000_000_000))
  }

  /// A binding as it was set, with what is left of its lifetime.
  func record(_ entry: BindingEntry, now: UInt64) -> BindingRecord {
    let key = entry.packedKey.key
    guard let tunnel = tunnels[entry.tunnel] else {
      preconditionFailure("every binding names a tunnel of the registry")
    }
    var record = BindingRecord(
      table: key.table.wire, prefix: key.prefix.wire, tunnel: tunnel.endpoints.wire, state: entry.state.wire,
      localRouting: entry.localRouting, requiresESP: entry.requiresESP, mobileNode: names[entry.mobileNode])
    record.lifetime = Self.secondsLeft(entry.expiry, now)
    // After a flush it is only heard, not part of what was set last.
    if entry.state.isHandover { record.peer = entry.peer.flatMap { tunnels[$0] }?.endpoints.wire }
    record.access = entry.access.map {
      BindingRecord.Access(port: configuration.ports[Int($0.port)].name, mac: $0.mac.value, vlan: $0.vlan)
    }
    return record
  }

  /// The same for the tunnels from a slot on, at most `limit` of them; the slot to go on from, nil at the end.
  func tunnelTraffic(from slot: UInt32, limit: Int, _ body: (TunnelEndpoints, Traffic) -> Void) -> UInt32? {
    var position = slot
    for _ in 0..<limit {
      guard let (slot, entry) = tunnels.next(from: position) else { return nil }
      if let id = entry.id { body(entry.endpoints, writer.tunnelTraffic(id)) }
      position = slot + 1
    }
    return position
  }

  /// Every tunnel with its counters' names: `tunnel.LOCAL.REMOTE.up|down.packets|bytes`.
  public func forEachTunnelTraffic(_ body: (TunnelEndpoints, Traffic) -> Void) {
    var position: UInt32 = 0
    while let (slot, entry) = tunnels.next(from: position) {
      if let id = entry.id { body(entry.endpoints, writer.tunnelTraffic(id)) }
      position = slot + 1
    }
  }
}

extension TrafficRecord {
  init(_ traffic: Traffic) {
    self.init(
      upPackets: traffic.up.packets, upBytes: traffic.up.bytes, downPackets: traffic.down.packets,
      downBytes: traffic.down.bytes)
  }
}
