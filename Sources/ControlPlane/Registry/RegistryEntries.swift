import ControlProtocol
import FlowTable

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
struct TunnelEntry: SlotEntry {
  let endpoints: TunnelEndpoints
  var choices = TunnelChoices()
  var isStatic = false
  /// A record set it, so that it may exist before its first user.
  var isConfigured = false
  /// Bindings that name it, as their tunnel or their peer's, and localized routes (REQUIREMENTS S-6).
  var users = 0
  /// Of the record that set it, if one did.
  var origin = EntryOrigin.nobody
  var id: TunnelID?
  /// What the forwarding table has now.
  var published: TunnelSettings?
  var nextHop: NextHopID?
  /// Octets of the largest packet that its path is known to take (RFC 8201); nil: the egress port's are all that is known.
  var pathMTU: Int?
  var touched: UInt64 = 0

  var slotKey: TunnelEndpoints { endpoints }

  /// One that nobody set comes back by itself with what names it, and a load would make it one that somebody set.
  var isDumped: Bool { isConfigured }
}

/// A visitor prefix and the access port it lives on.
struct VisitorEntry: SlotEntry {
  let prefix: Prefix
  var port: UInt8
  var origin = EntryOrigin.nobody
  var touched: UInt64 = 0

  var slotKey: Prefix { prefix }

  /// Its entry in the forwarding table: a proxy prefix without a tunnel.
  var binding: Binding {
    Binding(
      key: BindingKey(table: .proxy, prefix: prefix), tunnel: TunnelID(0),
      access: AccessLink(port: port, mac: MACAddress(0), vlan: nil), isVisitor: true)
  }
}

/// A tunnel's far end that has failed (RFC 5847).
struct FailedPeer: SlotEntry {
  let address: IPAddress
  var origin = EntryOrigin.nobody

  var slotKey: IPAddress { address }
}
