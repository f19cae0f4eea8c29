import FlowTable

/// CONTRACT's configuration file as values: checked, complete with defaults, immutable while the daemon runs.
public struct DaemonConfiguration: Hashable, Sendable {
  /// The two functions of a Proxy Mobile IPv6 domain (RFC 5213 section 2.2), by their words in the file.
  public enum Role: String, Sendable {
    case localMobilityAnchor = "lma"
    case mobileAccessGateway = "mag"
  }

  public struct Control: Hashable, Sendable {
    /// Path of the Unix socket, at most 107 octets (`sun_path`).
    public var socket = "/run/fastpath/fastpathd.sock"
    /// Owner group of the socket; nil leaves the process's own.
    public var group: String?
    /// File that the tables are kept in over a restart; nil: they are not.
    public var snapshot: String?
  }

  public struct Metrics: Hashable, Sendable {
    public var address: IPAddress
    public var port: Int
  }

  public enum Workers: Hashable, Sendable {
    /// One for each receive queue.
    case automatic
    /// One on each of these CPUs, in order.
    case processors([Int])
  }

  public enum Mode: String, Sendable {
    case automatic = "auto"
    case zeroCopy = "zero-copy"
    case copy
    case generic
  }

  /// What a packet to an unbound pool address gets.
  public enum Unbound: String, Sendable {
    case drop
    case unreachable
  }

  public struct Buffers: Hashable, Sendable {
    public var perMobileNode = 256
    public var total = 16384
    public var timeout: Duration = .seconds(5)
  }

  public struct ICMP: Hashable, Sendable {
    /// Errors a second, and the largest burst (RFC 4443 section 2.4 (f)).
    public var rate = 10
    public var burst = 10
    public var checkFlowLabel = false
  }

  /// 128 secret bits of the flow label's hash.
  public struct HashKey: Hashable, Sendable {
    public let first: UInt64
    public let second: UInt64
    public init(first: UInt64, second: UInt64) {
      self.first = first
      self.second = second
    }
  }

  public var role: Role
  public var control = Control()
  public var metrics: Metrics?
  /// Sources of ICMP errors, at most one of each family; also local addresses.
  public var routerAddresses: [IPAddress]
  /// Tunnel end points: LMAA(s) or Proxy-CoA(s), IPv6.
  public var localAddresses: [IPAddress]
  /// What an LMA anchors; empty at a MAG.
  public var pools: [Prefix] = []
  public var ports: [PortConfiguration]
  public var workers = Workers.automatic
  public var mode = Mode.automatic
  /// Workers never sleep, and let drivers receive so many packets at a time; nil: `off`.
  public var busyPoll: Int?
  /// Follow the kernel's routes and neighbours; replay uses only `routes` and `neighbors`.
  public var kernelSync = true
  public var routes: [StaticRoute] = []
  public var neighbors: [StaticNeighbor] = []
  public var tunnelDefaults = TunnelDefaults()
  /// EnableMAGLocalRouting (RFC 5213 section 9.2).
  public var localRouting = false
  /// MinDelayBeforeBCEDelete (RFC 5213 section 9.1).
  public var minDelayBeforeBCEDelete: Duration = .seconds(10)
  public var unbound = Unbound.drop
  public var buffers = Buffers()
  public var icmp = ICMP()
  /// Core packets may carry a pool address as source.
  public var poolSourcesAllowed = false
  /// Requests of Dynamic Home Agent Address Discovery (RFC 6275 section 10.5) are the kernel's, not data.
  public var homeAgentDiscovery = false
  /// `flow-label-key`; nil draws a random one at each start.
  public var flowLabelKey: HashKey?

  public init(role: Role, routerAddresses: [IPAddress], localAddresses: [IPAddress], ports: [PortConfiguration]) {
    self.role = role
    self.routerAddresses = routerAddresses
    self.localAddresses = localAddresses
    self.ports = ports
  }

  /// Bounds of the pipeline's own copies (`PlaneSettings`).
  public static let maximumLocalAddresses = 64
  public static let maximumPools = 64
  public static let maximumWorkers = 64
  /// The kernel's own budget is 64, and drivers' rings have up to some thousand entries.
  public static let busyPollRange = 1...1024
}

/// One entry of `routes`.
public struct StaticRoute: Hashable, Sendable {
  public var prefix: Prefix
  /// Nil: the destinations are on the port's own link.
  public var via: IPAddress?
  /// Index of the port.
  public var port: UInt8

  public init(prefix: Prefix, via: IPAddress?, port: UInt8) {
    self.prefix = prefix
    self.via = via
    self.port = port
  }
}

/// One entry of `neighbors`.
public struct StaticNeighbor: Hashable, Sendable {
  public var address: IPAddress
  /// Index of the port.
  public var port: UInt8
  public var mac: MACAddress
  /// 1…4094: frames to this neighbour are tagged.
  public var vlan: UInt16?

  public init(address: IPAddress, port: UInt8, mac: MACAddress, vlan: UInt16? = nil) {
    self.address = address
    self.port = port
    self.mac = mac
    self.vlan = vlan
  }
}

/// `tunnel-defaults`: what a tunnel follows where its own record is silent.
public struct TunnelDefaults: Hashable, Sendable {
  public enum MTU: Hashable, Sendable {
    /// The egress port's MTU less 40, or 48 with an encapsulation limit.
    case automatic
    /// Largest inner packet in octets.
    case octets(UInt16)
  }

  public enum FlowLabel: String, Sendable {
    case hash
    case zero
  }

  public var hopLimit: UInt8 = 64
  public var mtu = MTU.automatic
  /// Nil: no tunnel encapsulation limit option.
  public var encapsulationLimit: UInt8?
  public var dscp = DSCPMode.copy
  public var ecn = ECNMode.rfc6040
  public var flowLabel = FlowLabel.hash

  public init() {}

  /// CONTRACT: an inner packet of 68 octets is IPv4's least MTU (RFC 791); 40 octets of outer header stay free.
  static let mtuRange = 68...65495
}
