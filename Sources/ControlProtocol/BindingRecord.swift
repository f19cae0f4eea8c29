/// One prefix of one mobile node, as control daemons see it (table 1). Layout: docs/CONTROL_PROTOCOL.md, "Binding".
public struct BindingRecord: Hashable, Sendable {
  /// The two binding caches (RFC 6612 section 4.2).
  public enum Table: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case proxy = 0
    case mobile = 1

    /// The name in JSON records.
    public var name: String { self == .proxy ? "pmip" : "mip" }
  }

  public enum State: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case active = 0
    case pending, deregistering, redirecting, buffering, flushing, relaying

    /// The name in JSON records.
    public var name: String {
      switch self {
      case .active: "active"
      case .pending: "pending"
      case .deregistering: "deregistering"
      case .redirecting: "redirecting"
      case .buffering: "buffering"
      case .flushing: "flushing"
      case .relaying: "relaying"
      }
    }

    /// States that forward to the other MAG, and so cannot be without `peer`.
    public var needsPeer: Bool { self == .redirecting || self == .relaying }
  }

  /// Where a mobile node of a MAG is attached.
  public struct Access: Hashable, Sendable {
    /// The configuration's name of the port, 1…15 octets.
    public var port: String
    /// 48 bits, first octet most significant.
    public var mac: UInt64
    /// 1…4094, or nil for untagged.
    public var vlan: UInt16?

    public init(port: String, mac: UInt64, vlan: UInt16? = nil) {
      self.port = port
      self.mac = mac
      self.vlan = vlan
    }
  }

  public var table: Table
  public var prefix: WirePrefix
  public var tunnel: WireTunnel
  public var state: State
  /// Seconds from the moment the record is applied (in replies: remaining, rounded up); nil does not expire, never 0.
  public var lifetime: UInt32?
  /// Per-mobile-node override of local routing; nil follows the configuration.
  public var localRouting: Bool?
  /// Of a Mobile IPv6 binding: reverse-tunnelled packets must come through ESP (RFC 6275 section 10.4.5).
  public var requiresESP: Bool
  /// Present at a MAG, absent at an LMA.
  public var access: Access?
  /// GRE keys (RFC 5845) of the uplink and the downlink.
  public var greUp: UInt32?
  public var greDown: UInt32?
  /// The other MAG of a handover state.
  public var peer: WireTunnel?
  /// Mobile node identifier, 1…64 octets; bindings with the same one are one mobile node.
  public var mobileNode: String?

  public init(
    table: Table = .proxy, prefix: WirePrefix, tunnel: WireTunnel, state: State = .active, lifetime: UInt32? = nil,
    localRouting: Bool? = nil, requiresESP: Bool = false, access: Access? = nil, greUp: UInt32? = nil,
    greDown: UInt32? = nil,
    peer: WireTunnel? = nil, mobileNode: String? = nil
  ) {
    self.table = table
    self.prefix = prefix
    self.tunnel = tunnel
    self.state = state
    self.lifetime = lifetime
    self.localRouting = localRouting
    self.requiresESP = requiresESP
    self.access = access
    self.greUp = greUp
    self.greDown = greDown
    self.peer = peer
    self.mobileNode = mobileNode
  }

  public var key: TableKey { .binding(table, prefix, expect: nil) }
}
