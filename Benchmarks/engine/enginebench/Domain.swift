import CEngineFrames
import FastPath
import FlowTable

/// A gateway or an anchor with its table filled: shared by the ways that need the same bindings.
final class Domain {
  let writer: TableWriter
  let plane: BatchPlane
  let tunnels: [TunnelID]

  /// Changes of one `apply` while loading.
  private static let loadBatch = 4096

  /// - Parameter seed: of the table's hash: the peer has the same, and counts of instructions repeat.
  init(role: PlaneRole, family: AddressFamily, bindings: Int) throws {
    let limits = FlowTableLimits(
      bindings: bindings, tunnels: Int(ENGINE_TUNNELS), nextHops: 16, routes: 64, retired: 2 * Self.loadBatch,
      localizedRoutes: 16, workers: 1)
    let table = try FlowTable(limits: limits, seed: (0x5bd1_e995_a7c3_f1d9, 0x2545_f491_4f6c_dd1d))
    writer = try table.makeWriter()
    tunnels = try Self.addTunnels(writer, role)
    if role == .localMobilityAnchor { try Self.addRoute(writer) }
    try Self.load(writer, tunnels, role, family, bindings)
    plane = try BatchPlane(settings: try Self.settings(role), table: table)
  }

  private static func settings(_ role: PlaneRole) throws -> PlaneSettings {
    let transport = PortSettings(
      name: "transport", kinds: .transport, mac: MACAddress(ENGINE_TRANSPORT_MAC), mtu: 1600)
    let ports =
      switch role {
      case .localMobilityAnchor:
        [PortSettings(name: "core", kinds: .core, mac: MACAddress(ENGINE_CORE_MAC), mtu: 1500), transport]
      case .mobileAccessGateway:
        [transport, PortSettings(name: "access1", kinds: .access, mac: MACAddress(ENGINE_ACCESS_MAC), mtu: 1500)]
      }
    let pools = ["2001:db8:100::/40", "10.0.0.0/8"].compactMap { Prefix(text: $0) }
    return PlaneSettings(
      role: role, ports: ports, localAddresses: [local], pools: role == .localMobilityAnchor ? pools : [],
      flowLabelKey: FlowLabelKey(first: ENGINE_LABEL_FIRST, second: ENGINE_LABEL_SECOND))
  }

  private static var local: IPAddress { IPAddress(ipv6High: ENGINE_LOCAL_HIGH, low: ENGINE_LOCAL_LOW) }

  private static func addTunnels(_ writer: TableWriter, _ role: PlaneRole) throws -> [TunnelID] {
    let hop = try writer.addNextHop(
      .resolved(
        Adjacency(
          port: role == .localMobilityAnchor ? 1 : 0, destination: MACAddress(ENGINE_TRANSPORT_NEIGHBOUR),
          source: MACAddress(ENGINE_TRANSPORT_MAC))))
    return try (0..<UInt64(ENGINE_TUNNELS)).map { number in
      let remote = IPAddress(ipv6High: ENGINE_REMOTE_HIGH, low: ENGINE_REMOTE_LOW + number)
      let settings = TunnelSettings(endpoints: TunnelEndpoints(local: local, remote: remote))
      return try writer.addTunnel(settings, nextHop: hop)
    }
  }

  private static func addRoute(_ writer: TableWriter) throws {
    let adjacency = Adjacency(
      port: 0, destination: MACAddress(ENGINE_CORE_NEIGHBOUR), source: MACAddress(ENGINE_CORE_MAC))
    try writer.setRoute(
      Prefix(covering: IPAddress(ipv6High: 0, low: 0), length: 0), try writer.addNextHop(.resolved(adjacency)))
  }

  private static func load(
    _ writer: TableWriter, _ tunnels: [TunnelID], _ role: PlaneRole, _ family: AddressFamily, _ bindings: Int
  ) throws {
    var changes: [TableWriter.BindingChange] = []
    changes.reserveCapacity(loadBatch)
    for number in 0..<UInt32(bindings) {
      let prefix =
        family == .ipv6
        ? Prefix(covering: IPAddress(ipv6High: engine_prefix(number), low: 0), length: 64)
        : Prefix(covering: IPAddress(ipv4: engine_home_address(number)), length: 32)
      let access = AccessLink(port: 1, mac: MACAddress(engine_mobile_node(number)), vlan: nil)
      changes.append(
        .set(
          Binding(
            key: BindingKey(table: .proxy, prefix: prefix), tunnel: tunnels[Int(engine_tunnel(number))],
            access: role == .mobileAccessGateway ? access : nil)))
      if changes.count == loadBatch || Int(number) == bindings - 1 {
        _ = try writer.apply(changes)
        writer.reclaim()
        changes.removeAll(keepingCapacity: true)
      }
    }
  }
}
