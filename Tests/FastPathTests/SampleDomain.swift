import FastPath
import FlowTable
import Testing

/// The reference topology of the requirements (section 0.3), offline: one anchor, and one gateway with one access port.
struct SampleDomain {
  let table: FlowTable
  let writer: TableWriter
  let plane: OfflinePlane

  static let labelKey = FlowLabelKey(first: 0x0123_4567_89ab_cdef, second: 0xfedc_ba98_7654_3210)

  static func prefix(_ text: String) throws -> Prefix { try #require(Prefix(text: text)) }
  static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text: text)) }
  static func mac(_ text: String) throws -> MACAddress { try #require(MACAddress(text: text)) }

  static func anchorSettings(labels: Bool = true) throws -> PlaneSettings {
    PlaneSettings(
      role: .localMobilityAnchor,
      ports: [
        PortSettings(name: "core", kinds: .core, mac: try mac("02:00:00:00:01:01"), mtu: 1500),
        PortSettings(name: "transport", kinds: .transport, mac: try mac("02:00:00:00:01:02"), mtu: 1600),
      ],
      localAddresses: [try address("2001:db8:1::1")],
      pools: [try prefix("2001:db8:100::/40"), try prefix("203.0.113.0/24")],
      flowLabelKey: labels ? labelKey : nil)
  }

  static func anchor(labels: Bool = true) throws -> SampleDomain {
    let domain = try make(try anchorSettings(labels: labels))
    let transport = try domain.writer.addNextHop(
      .resolved(
        Adjacency(port: 1, destination: try mac("02:00:00:00:0a:01"), source: try mac("02:00:00:00:01:02"))))
    let core = try domain.writer.addNextHop(
      .resolved(
        Adjacency(port: 0, destination: try mac("02:00:00:00:0c:01"), source: try mac("02:00:00:00:01:01"))))
    try domain.writer.setRoute(try prefix("::/0"), core)
    try domain.writer.setRoute(try prefix("0.0.0.0/0"), core)
    let local = try address("2001:db8:1::1")
    let first = try domain.writer.addTunnel(
      TunnelSettings(endpoints: TunnelEndpoints(local: local, remote: try address("2001:db8:a::1"))), nextHop: transport
    )
    let second = try domain.writer.addTunnel(
      TunnelSettings(endpoints: TunnelEndpoints(local: local, remote: try address("2001:db8:b::1"))), nextHop: transport
    )
    try domain.writer.apply([
      .set(Binding(key: BindingKey(table: .proxy, prefix: try prefix("2001:db8:100:1::/64")), tunnel: first)),
      .set(Binding(key: BindingKey(table: .proxy, prefix: try prefix("203.0.113.10/32")), tunnel: first)),
      .set(Binding(key: BindingKey(table: .proxy, prefix: try prefix("2001:db8:100:2::/64")), tunnel: second)),
    ])
    return domain
  }

  static func gatewaySettings(localRouting: Bool = false) throws -> PlaneSettings {
    PlaneSettings(
      role: .mobileAccessGateway,
      ports: [
        PortSettings(name: "transport", kinds: .transport, mac: try mac("02:00:00:00:0a:01"), mtu: 1600),
        PortSettings(name: "access1", kinds: .access, mac: try mac("00:00:5e:00:52:13"), mtu: 1500),
      ],
      localAddresses: [try address("2001:db8:a::1")], localRouting: localRouting, flowLabelKey: labelKey)
  }

  static func gateway() throws -> SampleDomain {
    let domain = try make(try gatewaySettings())
    let transport = try domain.writer.addNextHop(
      .resolved(
        Adjacency(port: 0, destination: try mac("02:00:00:00:01:02"), source: try mac("02:00:00:00:0a:01"))))
    let tunnel = try domain.writer.addTunnel(
      TunnelSettings(
        endpoints: TunnelEndpoints(local: try address("2001:db8:a::1"), remote: try address("2001:db8:1::1"))),
      nextHop: transport)
    let access = AccessLink(port: 1, mac: try mac("02:00:00:00:01:10"), vlan: nil)
    try domain.writer.apply([
      .set(
        Binding(
          key: BindingKey(table: .proxy, prefix: try prefix("2001:db8:100:1::/64")), tunnel: tunnel, access: access)),
      .set(
        Binding(key: BindingKey(table: .proxy, prefix: try prefix("203.0.113.10/32")), tunnel: tunnel, access: access)),
    ])
    return domain
  }

  private static func make(_ settings: PlaneSettings) throws -> SampleDomain {
    let limits = FlowTableLimits(bindings: 1024, tunnels: 64, nextHops: 64, routes: 64, retired: 1024, workers: 1)
    let table = try FlowTable(limits: limits)
    return SampleDomain(
      table: table, writer: try table.makeWriter(), plane: try OfflinePlane(settings: settings, table: table))
  }
}
