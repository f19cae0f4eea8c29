/// A tunnel's settings (table 2). What is nil follows the configuration's `tunnel-defaults`.
public struct TunnelRecord: Hashable, Sendable {
  public enum MTU: Hashable, Sendable {
    /// The egress port's MTU less the encapsulation.
    case automatic
    /// Largest inner packet in octets, 68…65535.
    case octets(UInt16)
  }

  public enum EncapsulationLimit: Hashable, Sendable {
    /// No tunnel encapsulation limit option (RFC 2473 section 4.1.1).
    case none
    case limit(UInt8)
  }

  public enum DSCP: Hashable, Sendable {
    case copy
    /// Copied at both ends (RFC 2983, uniform model).
    case uniform
    /// 0…63.
    case fixed(UInt8)
  }

  public enum ECN: UInt8, CaseIterable, Sendable {
    case rfc6040 = 1
    case compatibility = 2
    case rfc5213Strict = 3
  }

  public var tunnel: WireTunnel
  /// Stays when no binding names it.
  public var isStatic: Bool
  /// 1…255.
  public var hopLimit: UInt8?
  public var mtu: MTU?
  public var encapsulationLimit: EncapsulationLimit?
  public var dscp: DSCP?
  public var ecn: ECN?
  /// In replies: bindings and routes that name the tunnel. 0 in requests.
  public var users: UInt32

  public init(
    tunnel: WireTunnel, isStatic: Bool = false, hopLimit: UInt8? = nil, mtu: MTU? = nil,
    encapsulationLimit: EncapsulationLimit? = nil, dscp: DSCP? = nil, ecn: ECN? = nil, users: UInt32 = 0
  ) {
    self.tunnel = tunnel
    self.isStatic = isStatic
    self.hopLimit = hopLimit
    self.mtu = mtu
    self.encapsulationLimit = encapsulationLimit
    self.dscp = dscp
    self.ecn = ecn
    self.users = users
  }

  public var key: TableKey { .tunnel(tunnel) }
}
