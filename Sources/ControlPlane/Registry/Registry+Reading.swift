import ControlProtocol
import FlowTable

extension Registry {
  /// Entries of a LOOKUP, with their traffic; empty when nothing has that key.
  public func lookup(_ request: LookupRequest, now: UInt64) -> [LookupEntry] {
    switch request {
    case .address(let wire):
      let address = IPAddress(wire)
      // RFC 6612 section 4.2: Mobile IPv6 bindings first, whatever their prefix length.
      if let binding = writer.longestMatch(.mobile, address) ?? writer.longestMatch(.proxy, address) {
        return entry(binding.key, now: now).map { [$0] } ?? []
      }
      return visitorPorts.longestMatch(address).map { [entry(visitor: $0.0, port: $0.1)] } ?? []
    case .prefix(let wire):
      let prefix = Prefix(wire)
      let bound = BindingTable.allCases.compactMap { entry(BindingKey(table: $0, prefix: prefix), now: now) }
      return bound + (visitorPorts[prefix].map { [entry(visitor: prefix, port: $0)] } ?? [])
    case .tunnel(let wire):
      guard let slot = tunnels.find(TunnelEndpoints(wire)), let entry = tunnels[slot] else { return [] }
      let traffic = entry.id.map { TrafficRecord(writer.tunnelTraffic($0)) } ?? TrafficRecord()
      return [LookupEntry(record: .tunnel(effectiveRecord(entry)), traffic: traffic)]
    case .route:
      return []
    }
  }

  private func entry(_ key: BindingKey, now: UInt64) -> LookupEntry? {
    guard let slot = bindings.find(PackedKey(key)), let entry = bindings[slot] else { return nil }
    let traffic = writer.bindingTraffic(key).map(TrafficRecord.init) ?? TrafficRecord()
    return LookupEntry(record: .binding(record(entry, now: now)), traffic: traffic)
  }

  private func entry(visitor prefix: Prefix, port: UInt8) -> LookupEntry {
    LookupEntry(
      record: .visitor(VisitorRecord(prefix: prefix.wire, port: configuration.ports[Int(port)].name)),
      traffic: TrafficRecord())
  }

  /// A binding as it was set, with what is left of its lifetime.
  func record(_ entry: BindingEntry, now: UInt64) -> BindingRecord {
    let key = entry.packedKey.key
    guard let tunnel = tunnels[entry.tunnel] else {
      preconditionFailure("every binding names a tunnel of the registry")
    }
    var record = BindingRecord(
      table: key.table.wire, prefix: key.prefix.wire, tunnel: tunnel.endpoints.wire, state: entry.state.wire,
      localRouting: entry.localRouting, requiresESP: entry.requiresESP, mobileNode: entry.mobileNode)
    if entry.expiry != BindingEntry.never {
      // Rounded up, and never 0, which would mean "no expiry" to a reader of the wire form.
      let left = entry.expiry > now ? entry.expiry - now : 0
      record.lifetime = UInt32(clamping: max(1, (left + 999_999_999) / 1_000_000_000))
    }
    record.access = entry.access.map {
      BindingRecord.Access(port: configuration.ports[Int($0.port)].name, mac: $0.mac.value, vlan: $0.vlan)
    }
    return record
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
