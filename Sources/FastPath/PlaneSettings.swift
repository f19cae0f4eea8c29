import FlowTable

/// What a port is for. One port may be several at once (a router on a stick). The bits are `steer_port.kinds`.
public struct PortKinds: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let core = PortKinds(rawValue: 1)
  public static let transport = PortKinds(rawValue: 2)
  public static let access = PortKinds(rawValue: 4)
  /// Kinds on which tunnel packets may be decapsulated; never on an access port (an MN could pose as the LMA).
  static let decapsulating: PortKinds = [.core, .transport]
}

/// One port as the pipeline sees it; its index is its position in `PlaneSettings.ports`.
public struct PortSettings: Hashable, Sendable {
  public let name: String
  public let kinds: PortKinds
  /// Source of frames sent and the only destination of frames accepted.
  public let mac: MACAddress
  /// Largest IP packet in octets that leaves here.
  public let mtu: Int

  public init(name: String, kinds: PortKinds, mac: MACAddress, mtu: Int) {
    self.name = name
    self.kinds = kinds
    self.mac = mac
    self.mtu = mtu
  }
}

/// The two functions of a Proxy Mobile IPv6 domain (RFC 5213 section 2.2).
public enum PlaneRole: Sendable {
  case localMobilityAnchor
  case mobileAccessGateway
}

/// Everything the pipeline must know besides the tables; fixed for the life of a worker.
public struct PlaneSettings: Sendable {
  public var role: PlaneRole
  public var ports: [PortSettings]
  /// Tunnel end points and router addresses: packets to them are ours.
  public var localAddresses: [IPAddress]
  /// Prefixes anchored here; empty at a MAG.
  public var pools: [Prefix]
  /// EnableMAGLocalRouting (RFC 5213 section 9.2).
  public var localRouting: Bool
  /// Key of the outer flow label's hash; nil sends label 0.
  public var flowLabelKey: FlowLabelKey?
  /// `pool-sources: allow`: core packets may carry a pool address as source.
  public var poolSourcesAllowed: Bool
  /// `unbound: unreachable`: a packet to an anchored address without a binding is answered.
  public var answersUnbound: Bool
  /// `home-agent-discovery: true`: requests to a home prefix's Home-Agents anycast address are the kernel's.
  public var homeAgentDiscovery = false
  /// Bounds of what a gateway holds for mobile nodes in handover.
  public var buffers: HandoverLimits

  public init(
    role: PlaneRole, ports: [PortSettings], localAddresses: [IPAddress], pools: [Prefix] = [],
    localRouting: Bool = false, flowLabelKey: FlowLabelKey? = nil, poolSourcesAllowed: Bool = false,
    answersUnbound: Bool = false, buffers: HandoverLimits = HandoverLimits()
  ) {
    self.role = role
    self.ports = ports
    self.localAddresses = localAddresses
    self.pools = pools
    self.localRouting = localRouting
    self.flowLabelKey = flowLabelKey
    self.poolSourcesAllowed = poolSourcesAllowed
    self.answersUnbound = answersUnbound
    self.buffers = buffers
  }

  /// Octets of the largest packet that a frame holds, from its IP header on: what a reassembled packet may be.
  public var largestPacket: Int {
    let chunk = ports.compactMap { PacketMemory.chunkSize(mtu: $0.mtu) }.max() ?? 4096
    return chunk - PacketMemory.headroom - EthernetHeader.length
  }

  /// Bounds of what a worker holds in its own cache lines.
  public static let maximumPorts = 8
}
