import ControlProtocol
import FlowTable

/// A binding's key in 24 octets, so that a million of them stay small.
struct PackedKey: Hashable {
  private let high: UInt64
  private let low: UInt64
  /// Family, table and prefix length in one number.
  private let tag: UInt32

  init(_ key: BindingKey) {
    high = key.prefix.address.high
    low = key.prefix.address.low
    tag =
      UInt32(key.prefix.family.rawValue) << 16 | UInt32(key.table.rawValue) << 8 | UInt32(key.prefix.length)
  }

  var key: BindingKey {
    let address =
      tag >> 16 == UInt32(AddressFamily.ipv4.rawValue)
      ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(ipv6High: high, low: low)
    let table: BindingTable = tag >> 8 & 0xff == UInt32(BindingTable.mobile.rawValue) ? .mobile : .proxy
    // The length was a valid prefix's, so nothing is masked.
    return BindingKey(table: table, prefix: Prefix(covering: address, length: Int(tag & 0xff)))
  }
}

/// One binding as it was set, with its deadlines.
struct BindingEntry {
  /// No deadline, or nothing scheduled.
  static let never = UInt64.max

  let packedKey: PackedKey
  /// Slot of the tunnel in the registry.
  var tunnel: UInt32
  /// Slot of the other MAG's tunnel, in handover states and after `flushing`.
  var peer: UInt32?
  var state: BindingState
  /// `active` after `flushing` or `relaying`: what is held goes first, and until the next record the peer is still heard.
  var isFlushed = false
  /// Whether packets may be held for it, so that it needs an account in the ledger.
  var holds = false
  var localRouting: Bool?
  var requiresESP = false
  var access: AccessLink?
  var mobileNode: String?
  /// End of the lifetime, in nanoseconds of the injected clock.
  var expiry = never
  /// End of MinDelayBeforeBCEDelete (RFC 5213 section 5.3.5), in the same clock.
  var removal = never
  /// Deadline of this entry's item in the heap.
  var scheduled = never
  /// Number of the request that touched the entry last; see `Journal`.
  var touched: UInt64 = 0

  var deadline: UInt64 { min(expiry, removal) }

  /// Whether packets are treated alike.
  func forwardsLike(_ other: BindingEntry) -> Bool {
    tunnel == other.tunnel && peer == other.peer && state == other.state && isFlushed == other.isFlushed
      && holds == other.holds
      && localRouting == other.localRouting && access == other.access && requiresESP == other.requiresESP
      && (!holds || mobileNode == other.mobileNode)
  }
}

/// What a tunnel record chose; nil follows `tunnel-defaults`.
struct TunnelChoices: Hashable {
  var hopLimit: UInt8?
  var mtu: TunnelDefaults.MTU?
  var dscp: DSCPMode?
  var ecn: ECNMode?
  /// `none` is a choice, too: against a limit in `tunnel-defaults`.
  var encapsulationLimit: TunnelRecord.EncapsulationLimit?
}

/// One tunnel: what was chosen, who uses it, and its handle in the forwarding table.
struct TunnelEntry {
  let endpoints: TunnelEndpoints
  var choices = TunnelChoices()
  var isStatic = false
  /// A record set it, so that it may exist before its first user.
  var isConfigured = false
  /// Bindings that name it, as their tunnel or their peer's, and localized routes (REQUIREMENTS S-6).
  var users = 0
  /// Of these, bindings that only still hear it as the peer of a handover that is over: no dump shows that.
  var quietUsers = 0
  var id: TunnelID?
  /// What the forwarding table has now.
  var published: TunnelSettings?
  var nextHop: NextHopID?
  /// Octets of the largest packet that its path is known to take (RFC 8201); nil: the egress port's are all that is known.
  var pathMTU: Int?
  var touched: UInt64 = 0

  /// Whether loading a dump brings it back: not if only handovers that are over name it, or nothing does and it waits for
  /// the forwarding table to let it go.
  var isDumped: Bool { isConfigured || users > quietUsers }
}

/// A visitor prefix and the access port it lives on.
struct VisitorEntry {
  let prefix: Prefix
  var port: UInt8
  var touched: UInt64 = 0

  /// Its entry in the forwarding table: a proxy prefix without a tunnel.
  var binding: Binding {
    Binding(
      key: BindingKey(table: .proxy, prefix: prefix), tunnel: TunnelID(0),
      access: AccessLink(port: port, mac: MACAddress(0), vlan: nil), isVisitor: true)
  }
}

/// A tunnel's far end that has failed (RFC 5847).
struct FailedPeer {
  let address: IPAddress
}
