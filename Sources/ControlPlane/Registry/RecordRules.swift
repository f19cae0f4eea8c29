import ControlProtocol
import FlowTable

/// Why a record was refused: the reply's `Outcome.Failure` without its index.
public struct RecordRefusal: Error, Hashable {
  let code: StatusCode
  /// Dotted JSON field name.
  let field: String
  let rule: String

  static func invalid(_ field: String, _ rule: String) -> RecordRefusal {
    RecordRefusal(code: .invalid, field: field, rule: rule)
  }

  static func unsupported(_ field: String, _ value: String) -> RecordRefusal {
    RecordRefusal(code: .unsupported, field: field, rule: "\(value) is not supported by this version")
  }
}

/// A binding record's value without slots and deadlines.
struct CheckedBinding {
  let key: BindingKey
  let tunnel: TunnelEndpoints
  /// Of a handover state.
  let peer: TunnelEndpoints?
  let access: AccessLink?
}

/// The rules of records that need the configuration and nothing else. Each check throws the first violation.
struct RecordRules {
  let role: DaemonConfiguration.Role
  private let pools: [Prefix]
  private let localAddresses: Set<IPAddress>
  /// Tunnel end points and router addresses: no tunnel's far end can be one of them.
  let ownAddresses: Set<IPAddress>
  private let ports: [PortConfiguration]

  init(_ configuration: DaemonConfiguration) {
    role = configuration.role
    pools = configuration.pools
    localAddresses = Set(configuration.localAddresses)
    ownAddresses = localAddresses.union(configuration.routerAddresses)
    ports = configuration.ports
  }

  /// A binding record's value; its tunnels are checked too.
  func check(_ record: BindingRecord) throws(RecordRefusal) -> CheckedBinding {
    let prefix = Prefix(record.prefix)
    try checkAnchored(prefix, table: record.table)
    let tunnel = try check(record.tunnel, "tunnel")
    // At an LMA a care-of address may lie in any pool, also in this prefix: such packets are dropped as a loop when
    // they come (RFC 2473 section 4.1.3).
    guard role == .localMobilityAnchor || !prefix.contains(tunnel.remote) else {
      throw .invalid("tunnel.remote", "\(tunnel.remote) lies in the binding's own prefix \(prefix): a loop")
    }
    try checkServed(record)
    let peer = try checkHandover(record, tunnel)
    let access = try check(record.access)
    if record.localRouting != nil && role == .localMobilityAnchor {
      throw .invalid("localRouting", "belongs to a mag; this is an lma")
    }
    if record.requiresESP && record.table != .mobile {
      throw .invalid("requireEsp", "belongs to a mip binding")
    }
    return CheckedBinding(
      key: BindingKey(table: BindingTable(record.table), prefix: prefix), tunnel: tunnel, peer: peer, access: access)
  }

  /// State and the other MAG's tunnel: handover is between MAGs (RFC 5949), an LMA only moves its end.
  private func checkHandover(
    _ record: BindingRecord, _ tunnel: TunnelEndpoints
  ) throws(RecordRefusal) -> TunnelEndpoints? {
    let name = record.state.name
    guard BindingState(record.state).isHandover else {
      guard record.peer == nil else { throw .invalid("peer", "belongs to a handover state, not to \(name)") }
      return nil
    }
    guard role == .mobileAccessGateway else { throw .invalid("state", "\(name) belongs to a mag; this is an lma") }
    guard let wire = record.peer else {
      guard !record.state.needsPeer else { throw .invalid("peer", "is missing: state \(name) needs the other MAG") }
      return nil
    }
    let peer = try check(wire, "peer")
    guard peer != tunnel else { throw .invalid("peer", "is the binding's own tunnel; name the one to the other MAG") }
    guard !Prefix(record.prefix).contains(peer.remote) else {
      throw .invalid("peer.remote", "\(peer.remote) lies in the binding's own prefix \(Prefix(record.prefix)): a loop")
    }
    return peer
  }

  /// Whether a binding without anything rare keeps the rules, its tunnel's aside. False says only that `check` must tell.
  @inline(__always)
  func admits(_ plain: PlainBinding) -> Bool {
    guard role == .localMobilityAnchor, !plain.hasLocalRouting, !BindingState(plain.state).isHandover else {
      return false
    }
    guard !plain.requiresESP || plain.table == .mobile else { return false }
    let prefix = Prefix(plain)
    return pools.contains { $0.contains(prefix) }
  }

  private func checkAnchored(_ prefix: Prefix, table: BindingRecord.Table) throws(RecordRefusal) {
    switch role {
    case .localMobilityAnchor:
      guard pools.contains(where: { $0.contains(prefix) }) else {
        throw .invalid("prefix", "\(prefix) lies in none of the configured pools")
      }
    case .mobileAccessGateway:
      guard table == .proxy else { throw .invalid("table", "mip bindings belong to an lma; this is a mag") }
      if let violation = AddressRule.unicastViolation(prefix) { throw .invalid("prefix", violation) }
    }
  }

  /// Both ends of a tunnel (RFC 5213 section 5.6.1: IPv6-in-IPv6 between LMAA and Proxy-CoA).
  ///
  /// - Parameter field: the field that has them, for the refusal.
  func check(_ wire: WireTunnel, _ field: String) throws(RecordRefusal) -> TunnelEndpoints {
    let tunnel = TunnelEndpoints(wire)
    guard localAddresses.contains(tunnel.local) else {
      throw .invalid("\(field).local", "\(tunnel.local) is not one of the configured local-addresses")
    }
    try checkRemote(tunnel.remote, "\(field).remote")
    return tunnel
  }

  private func checkRemote(_ remote: IPAddress, _ field: String) throws(RecordRefusal) {
    guard remote.family == .ipv6 else { throw .invalid(field, "\(remote) is not an IPv6 address") }
    if let violation = AddressRule.globalUnicastViolation(remote) { throw .invalid(field, violation) }
    guard !ownAddresses.contains(remote) else { throw .invalid(field, "\(remote) is an address of this machine") }
  }

  /// What this version does not forward by is refused, never stored: an operator would believe it works.
  private func checkServed(_ record: BindingRecord) throws(RecordRefusal) {
    guard record.greUp == nil && record.greDown == nil else { throw .unsupported("greKey", "a GRE key") }
    guard record.lifetime != 0 else { throw .invalid("lifetime", "must be at least one second") }
  }

  private func check(_ access: BindingRecord.Access?) throws(RecordRefusal) -> AccessLink? {
    guard role == .mobileAccessGateway else {
      guard access == nil else { throw .invalid("access", "belongs to a mag; this is an lma") }
      return nil
    }
    guard let access else { throw .invalid("access", "is missing: a mag must know where the mobile node is") }
    let port = try accessPort(access.port, field: "access.port")
    let mac = MACAddress(access.mac)
    if let violation = AddressRule.violation(mac) { throw .invalid("access.mac", violation) }
    if let vlan = access.vlan, !(1...4094).contains(vlan) { throw .invalid("access.vlan", "must be 1…4094") }
    return AccessLink(port: port, mac: mac, vlan: access.vlan)
  }

  private func accessPort(_ name: String, field: String) throws(RecordRefusal) -> UInt8 {
    guard let index = ports.firstIndex(where: { $0.name == name }) else {
      throw .invalid(field, "no port has the name \(name)")
    }
    guard ports[index].kinds.contains(.access) else { throw .invalid(field, "\(name) is not an access port") }
    return UInt8(index)
  }

  func check(_ record: VisitorRecord) throws(RecordRefusal) -> VisitorEntry {
    guard role == .mobileAccessGateway else { throw .invalid("visitor", "belongs to a mag; this is an lma") }
    let prefix = Prefix(record.prefix)
    if let violation = AddressRule.unicastViolation(prefix) { throw .invalid("visitor", violation) }
    return VisitorEntry(prefix: prefix, port: try accessPort(record.port, field: "port"))
  }

  /// The far end whose failure a record tells.
  func check(_ record: PeerRecord) throws(RecordRefusal) -> IPAddress {
    let address = IPAddress(record.address)
    try checkRemote(address, "peer")
    return address
  }

  /// A localized route's value; nil as tunnel is `local`. Whether local routing is on is the registry's to know.
  func check(_ record: LocalizedRouteRecord) throws(RecordRefusal) -> (RouteKey, via: TunnelEndpoints?) {
    guard role == .mobileAccessGateway else { throw .invalid("route", "belongs to a mag; this is an lma") }
    let key = RouteKey(from: Prefix(record.from), to: Prefix(record.to))
    if let violation = AddressRule.unicastViolation(key.from) { throw .invalid("route.from", violation) }
    if let violation = AddressRule.unicastViolation(key.to) { throw .invalid("route.to", violation) }
    guard key.from.family == key.to.family else { throw .invalid("route.to", "must have the address family of from") }
    guard !key.from.contains(key.to) && !key.to.contains(key.from) else {
      throw .invalid("route.to", "\(key.to) overlaps \(key.from): a route leads from one mobile node to another")
    }
    guard record.lifetime != 0 else { throw .invalid("lifetime", "must be at least one second") }
    guard case .tunnel(let wire) = record.via else {
      guard !record.receiveOnly else {
        throw .invalid("receiveOnly", "needs a tunnel in via: nothing is received from this machine itself")
      }
      return (key, nil)
    }
    let via = try check(wire, "via")
    for (field, prefix) in [("from", key.from), ("to", key.to)] where prefix.contains(via.remote) {
      throw .invalid("via.remote", "\(via.remote) lies in the route's own prefix (\(field)) \(prefix): a loop")
    }
    return (key, via)
  }

  func check(_ record: TunnelRecord) throws(RecordRefusal) -> (TunnelEndpoints, TunnelChoices) {
    let tunnel = try check(record.tunnel, "tunnel")
    var choices = TunnelChoices()
    choices.encapsulationLimit = record.encapsulationLimit
    guard record.hopLimit != 0 else { throw .invalid("hopLimit", "must be 1…255") }
    choices.hopLimit = record.hopLimit
    switch record.mtu {
    case .octets(let octets):
      guard TunnelDefaults.mtuRange.contains(Int(octets)) else {
        throw .invalid("mtu", "must be \(TunnelDefaults.mtuRange.lowerBound)…\(TunnelDefaults.mtuRange.upperBound)")
      }
      choices.mtu = .octets(octets)
    case .automatic: choices.mtu = .automatic
    case nil: break
    }
    switch record.dscp {
    case .fixed(let value):
      guard value <= 63 else { throw .invalid("dscp", "must be 0…63") }
      choices.dscp = .fixed(value)
    case .copy: choices.dscp = .copy
    case .uniform: choices.dscp = .uniform
    case nil: break
    }
    choices.ecn = record.ecn.map(ECNMode.init)
    return (tunnel, choices)
  }
}
