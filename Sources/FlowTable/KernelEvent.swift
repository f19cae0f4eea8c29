/// What rtnetlink told us, in the words of the forwarding plane. SlowPath emits these; the next-hop resolver consumes them.
public enum KernelEvent: Sendable, Hashable {
  case routeAdded(KernelRoute)
  case routeRemoved(KernelRoute)
  /// A usable link-layer address is known (reachable, stale, delay, probe, permanent, noarp).
  case neighborChanged(KernelNeighbor)
  /// Resolution failed or the entry was deleted.
  case neighborRemoved(interface: UInt32, address: IPAddress)
  /// A link appeared or changed; `up` is false as well for a link that is gone.
  case linkChanged(interface: UInt32, name: String, up: Bool, mtu: UInt32, mac: MACAddress)
  /// A dump was started again after lost notifications (ENOBUFS): forget everything learned, a full set follows.
  case resynchronized
  /// The initial or repeated dump is complete.
  case synchronized
}

/// One unicast route of the kernel's tables that the plane mirrors.
public struct KernelRoute: Hashable, Sendable {
  public enum Kind: Sendable, Hashable {
    case unicast
    /// unreachable, blackhole, prohibit.
    case unreachable
    /// The destination is an address of this host.
    case local
  }

  public var prefix: Prefix
  /// nil: the destination itself is on link.
  public var gateway: IPAddress?
  /// Kernel interface index; 0 when the kind has none.
  public var interface: UInt32
  /// Lower is preferred among routes of one prefix.
  public var metric: UInt32
  public var kind: Kind

  public init(prefix: Prefix, gateway: IPAddress?, interface: UInt32, metric: UInt32, kind: Kind = .unicast) {
    self.prefix = prefix
    self.gateway = gateway
    self.interface = interface
    self.metric = metric
    self.kind = kind
  }
}

/// One usable entry of the kernel's neighbour table.
public struct KernelNeighbor: Hashable, Sendable {
  /// Kernel interface index.
  public var interface: UInt32
  public var address: IPAddress
  public var mac: MACAddress

  public init(interface: UInt32, address: IPAddress, mac: MACAddress) {
    self.interface = interface
    self.address = address
    self.mac = mac
  }
}
