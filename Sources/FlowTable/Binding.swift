/// The two logically separate binding caches (RFC 6612 section 4.2): Mobile IPv6 is consulted first.
@frozen
public enum BindingTable: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case proxy = 0
  case mobile = 1
}

/// What identifies a binding.
public struct BindingKey: Hashable, Sendable {
  public let table: BindingTable
  public let prefix: Prefix

  public init(table: BindingTable, prefix: Prefix) {
    self.table = table
    self.prefix = prefix
  }
}

/// The states of CONTRACT's records, in wire order.
@frozen
public enum BindingState: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case active = 0
  case pending
  case deregistering
  case redirecting
  case buffering
  case flushing
  case relaying
}

/// Where a mobile node of a MAG is attached.
@frozen
public struct AccessLink: Hashable, Sendable, BitwiseCopyable {
  /// Index of the port in the configuration's order.
  public let port: UInt8
  public let mac: MACAddress
  /// VLAN identifier 1…4094, or nil for an untagged link.
  public let vlan: UInt16?

  public init(port: UInt8, mac: MACAddress, vlan: UInt16?) {
    self.port = port
    self.mac = mac
    self.vlan = vlan
  }
}

/// One prefix of one mobile node: what the forwarding plane must know, and nothing else.
public struct Binding: Hashable, Sendable {
  public var key: BindingKey
  public var tunnel: TunnelID
  public var state: BindingState
  /// Present at a MAG, absent at an LMA.
  public var access: AccessLink?
  /// Per-mobile-node override of EnableMAGLocalRouting; nil follows the configuration.
  public var localRouting: Bool?
  /// The mobile node's packets must come through IPsec (RFC 6275 section 10.4.5): by the kernel, never by the tunnel.
  public var requiresESP: Bool
  /// The other MAG of a handover state.
  public var peer: TunnelID?
  /// The account of packets held for the mobile node, in the states that hold any or may still have some to send.
  public var holding: HoldingID?
  /// With `active` only: the state follows `flushing`. What is still held goes first, and the peer, if any, is still heard.
  public var isFlushed: Bool
  /// The prefix is of ordinary hosts on a gateway's access link: no tunnel (`TunnelID(0)`), and only the port of the
  /// access link counts.
  public var isVisitor: Bool
  /// Localized routes from this prefix.
  public var localizedRoutes: LocalizedRoutesID?

  public init(
    key: BindingKey, tunnel: TunnelID, state: BindingState = .active, access: AccessLink? = nil,
    localRouting: Bool? = nil, requiresESP: Bool = false, peer: TunnelID? = nil, holding: HoldingID? = nil,
    isFlushed: Bool = false, isVisitor: Bool = false, localizedRoutes: LocalizedRoutesID? = nil
  ) {
    self.key = key
    self.tunnel = tunnel
    self.state = state
    self.access = access
    self.localRouting = localRouting
    self.requiresESP = requiresESP
    self.peer = peer
    self.holding = holding
    self.isFlushed = isFlushed
    self.isVisitor = isVisitor
    self.localizedRoutes = localizedRoutes
  }
}
