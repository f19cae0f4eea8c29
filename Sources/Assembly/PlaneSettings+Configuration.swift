import ControlPlane
import FastPath
import FlowTable

extension PlaneSettings {
  /// What the pipeline needs of a configuration.
  ///
  /// - Parameters:
  ///   - ports: link-layer address and MTU of each port, in the configuration's order.
  ///   - randomKey: key of the outer flow label where the configuration names none (RFC 6438 section 3: hard to predict).
  public init(
    configuration: DaemonConfiguration, ports: [(mac: MACAddress, mtu: Int)], randomKey: FlowLabelKey
  ) {
    let key = configuration.flowLabelKey.map { FlowLabelKey(first: $0.first, second: $0.second) } ?? randomKey
    self.init(
      role: configuration.role == .localMobilityAnchor ? .localMobilityAnchor : .mobileAccessGateway,
      ports: zip(configuration.ports, ports).map { port, link in
        PortSettings(name: port.name, kinds: PortKinds(rawValue: port.kinds.rawValue), mac: link.mac, mtu: link.mtu)
      },
      localAddresses: Self.distinct(configuration.localAddresses + configuration.routerAddresses),
      pools: configuration.pools, localRouting: configuration.localRouting,
      flowLabelKey: configuration.tunnelDefaults.flowLabel == .hash ? key : nil,
      poolSourcesAllowed: configuration.poolSourcesAllowed,
      answersUnbound: configuration.unbound == .unreachable,
      buffers: HandoverLimits(
        perMobileNode: configuration.buffers.perMobileNode, total: configuration.buffers.total,
        timeout: Self.nanoseconds(configuration.buffers.timeout)))
    homeAgentDiscovery = configuration.homeAgentDiscovery
  }

  /// A duration that the configuration has bounded; what is out of range counts as the nearest that is not.
  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    let (whole, isHuge) = UInt64(max(seconds, 0)).multipliedReportingOverflow(by: 1_000_000_000)
    return isHuge ? .max : whole &+ UInt64(max(attoseconds, 0)) / 1_000_000_000
  }

  /// An address may be a tunnel end point and a router address at once; the hot path need look at it only once.
  private static func distinct(_ addresses: [IPAddress]) -> [IPAddress] {
    var seen: Set<IPAddress> = []
    return addresses.filter { seen.insert($0).inserted }
  }
}
