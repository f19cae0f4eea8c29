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

/// Where the outer DSCP comes from at encapsulation (RFC 2983).
@frozen
public enum DSCPMode: Hashable, Sendable, BitwiseCopyable {
  case copy
  /// 0…63.
  case fixed(UInt8)
}

/// Everything a tunnel's owner may choose. The defaults are CONTRACT's `tunnel-defaults`.
public struct TunnelSettings: Hashable, Sendable {
  public var endpoints: TunnelEndpoints
  /// Outer hop limit, independent of the inner one (RFC 2473 section 6.3).
  public var hopLimit: UInt8
  /// Largest inner packet, in octets, that enters unfragmented.
  public var mtu: UInt16
  public var dscp: DSCPMode
  /// RFC 6040 compatibility mode: outer ECN is always Not-ECT.
  public var ecnCompatibility: Bool

  public init(
    endpoints: TunnelEndpoints, hopLimit: UInt8 = 64, mtu: UInt16 = 1460, dscp: DSCPMode = .copy,
    ecnCompatibility: Bool = false
  ) {
    self.endpoints = endpoints
    self.hopLimit = hopLimit
    self.mtu = mtu
    self.dscp = dscp
    self.ecnCompatibility = ecnCompatibility
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
