/// The two ends of a bidirectional tunnel: ours first. The key of a tunnel (RFC 5213 section 5.6.1).
@frozen
public struct TunnelEndpoints: Hashable, Sendable, BitwiseCopyable {
  public let local: IPAddress
  public let remote: IPAddress

  @inlinable
  public init(local: IPAddress, remote: IPAddress) {
    self.local = local
    self.remote = remote
  }
}

/// Where the DSCP of a tunnel header comes from, and whether it counts at the exit (RFC 2983).
@frozen
public enum DSCPMode: Hashable, Sendable, BitwiseCopyable {
  /// Copied at the entry, ignored at the exit: the pipe model of section 3.1.
  case copy
  /// Copied at the entry and back at the exit: the uniform model.
  case uniform
  /// 0…63.
  case fixed(UInt8)
}

/// How congestion marks cross a tunnel (RFC 6040).
@frozen
public enum ECNMode: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// Normal mode.
  case rfc6040
  /// Compatibility mode (section 4.3): the outer field is always Not-ECT.
  case compatibility
  /// What RFC 5213 section 5.6.3 says, after RFC 3168: at the exit CE on a packet without ECN is ignored instead of
  /// dropping it, and ECT(1) over ECT(0) is ignored, too.
  case rfc5213Strict
}

/// Everything a tunnel's owner may choose. The defaults are CONTRACT's `tunnel-defaults`.
public struct TunnelSettings: Hashable, Sendable {
  public var endpoints: TunnelEndpoints
  /// Outer hop limit, independent of the inner one (RFC 2473 section 6.3).
  public var hopLimit: UInt8
  /// Largest inner packet, in octets, that enters unfragmented.
  public var mtu: UInt16
  public var dscp: DSCPMode
  public var ecn: ECNMode
  /// Value of the tunnel encapsulation limit option that every packet gets (RFC 2473 section 4.1.1); nil: no option,
  /// except where the packet's own limit asks for one.
  public var encapsulationLimit: UInt8?
  /// The far end is an address of this anchor's own pools: the packets of the tunnel enter another one.
  public var isAnchored: Bool
  /// The far end is down (RFC 5847): nothing comes or goes by the tunnel.
  public var isFailed: Bool
  /// Nothing comes or goes by the tunnel for the bindings of this table, which are being revoked (RFC 5846).
  public var revokedTable: BindingTable?

  public init(
    endpoints: TunnelEndpoints, hopLimit: UInt8 = 64, mtu: UInt16 = 1460, dscp: DSCPMode = .copy,
    ecn: ECNMode = .rfc6040, encapsulationLimit: UInt8? = nil, isAnchored: Bool = false, isFailed: Bool = false,
    revokedTable: BindingTable? = nil
  ) {
    self.endpoints = endpoints
    self.hopLimit = hopLimit
    self.mtu = mtu
    self.dscp = dscp
    self.ecn = ecn
    self.encapsulationLimit = encapsulationLimit
    self.isAnchored = isAnchored
    self.isFailed = isFailed
    self.revokedTable = isFailed ? nil : revokedTable
  }
}

/// The table's handle of a tunnel: a dense number, 1…`FlowTableLimits.tunnels`, reused only after a grace period.
/// 0 is no tunnel.
@frozen
public struct TunnelID: Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}
