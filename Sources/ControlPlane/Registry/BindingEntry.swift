import ControlProtocol
import FlowTable

/// A binding's key in 20 octets, so that a million of them stay small.
struct PackedKey: Hashable, BitwiseCopyable {
  let high: UInt64
  let low: UInt64
  /// Family, table and prefix length in one number.
  let tag: UInt32

  @inline(__always)
  init(_ key: BindingKey) {
    self.init(table: key.table, key.prefix)
  }

  @inline(__always)
  init(table: BindingTable, _ prefix: Prefix) {
    high = prefix.address.high
    low = prefix.address.low
    tag = UInt32(prefix.family.rawValue) << 16 | UInt32(table.rawValue) << 8 | UInt32(prefix.length)
  }

  var table: BindingTable { tag >> 8 & 0xff == UInt32(BindingTable.mobile.rawValue) ? .mobile : .proxy }

  var key: BindingKey {
    let address =
      tag >> 16 == UInt32(AddressFamily.ipv4.rawValue)
      ? IPAddress(ipv4: UInt32(truncatingIfNeeded: low)) : IPAddress(ipv6High: high, low: low)
    // The length was a valid prefix's, so nothing is masked.
    return BindingKey(table: table, prefix: Prefix(covering: address, length: Int(tag & 0xff)))
  }
}

/// One binding as it was set, with its deadlines.
///
/// A hundred octets at most and nothing that is counted by reference: a million of them are written once and copied whole.
struct BindingEntry: SlotEntry, BitwiseCopyable {
  /// No deadline, or nothing scheduled.
  static let never = UInt64.max
  private static let none = UInt32.max

  private struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    static let flushed = Flags(rawValue: 1 << 0)
    static let holds = Flags(rawValue: 1 << 1)
    static let localRoutingSet = Flags(rawValue: 1 << 2)
    static let localRoutingOn = Flags(rawValue: 1 << 3)
    static let requiresESP = Flags(rawValue: 1 << 4)
  }

  let packedKey: PackedKey
  /// Slot of the tunnel in the registry.
  var tunnel: UInt32
  private var peerSlot = none
  /// The mobile node's name; 0: it has none.
  var mobileNode: MobileNodeNames.ID = 0
  /// Link-layer address and VLAN of the access link; 0 without one (no station has the address 0).
  private var link: UInt64 = 0
  private var port: UInt8 = 0
  var state: BindingState
  private var flags: Flags = []
  /// Seconds, as it was set; 0: none.
  var lifetime: UInt32 = 0
  var origin = EntryOrigin.nobody
  /// End of the lifetime, in nanoseconds of the injected clock.
  private(set) var expiry = never
  /// End of MinDelayBeforeBCEDelete (RFC 5213 section 5.3.5), in the same clock.
  var removal = never
  /// Deadline of this entry's item in the heap.
  var scheduled = never
  /// Number of the request that touched the entry last; see `Journal`.
  var touched: UInt64 = 0

  init(packedKey: PackedKey, tunnel: UInt32, state: BindingState) {
    self.packedKey = packedKey
    self.tunnel = tunnel
    self.state = state
  }

  var slotKey: PackedKey { packedKey }

  /// Slot of the other MAG's tunnel, in handover states and after `flushing`.
  var peer: UInt32? {
    get { peerSlot == Self.none ? nil : peerSlot }
    set { peerSlot = newValue ?? Self.none }
  }

  /// `active` after `flushing` or `relaying`: what is held goes first, and until the next record the peer is still heard.
  var isFlushed: Bool {
    get { flags.contains(.flushed) }
    set { set(.flushed, newValue) }
  }

  /// Whether packets may be held for it, so that it needs an account in the ledger.
  var holds: Bool {
    get { flags.contains(.holds) }
    set { set(.holds, newValue) }
  }

  var localRouting: Bool? {
    get { flags.contains(.localRoutingSet) ? flags.contains(.localRoutingOn) : nil }
    set {
      set(.localRoutingSet, newValue != nil)
      set(.localRoutingOn, newValue ?? false)
    }
  }

  var requiresESP: Bool {
    get { flags.contains(.requiresESP) }
    set { set(.requiresESP, newValue) }
  }

  var access: AccessLink? {
    get {
      guard link != 0 else { return nil }
      let vlan = UInt16(truncatingIfNeeded: link)
      return AccessLink(port: port, mac: MACAddress(link >> 16), vlan: vlan == 0 ? nil : vlan)
    }
    set {
      link = newValue.map { $0.mac.value << 16 | UInt64($0.vlan ?? 0) } ?? 0
      port = newValue?.port ?? 0
    }
  }

  var deadline: UInt64 { min(expiry, removal) }

  /// Nothing but a prefix, a tunnel and what every binding has.
  var isPlain: Bool {
    peerSlot == Self.none && link == 0 && mobileNode == 0 && flags.isSubset(of: .requiresESP)
  }

  private mutating func set(_ flag: Flags, _ isOn: Bool) {
    if isOn { flags.insert(flag) } else { flags.remove(flag) }
  }

  /// The lifetime begins now.
  mutating func beginLifetime(at now: UInt64) {
    expiry = lifetime == 0 ? Self.never : now &+ UInt64(lifetime) * 1_000_000_000
  }

  /// Whether both were set to the same; when that was, and so when they end, is no difference.
  func equals(_ other: BindingEntry) -> Bool {
    forwardsLike(other) && mobileNode == other.mobileNode && lifetime == other.lifetime
  }

  /// Whether packets are treated alike.
  func forwardsLike(_ other: BindingEntry) -> Bool {
    tunnel == other.tunnel && peerSlot == other.peerSlot && state == other.state && flags == other.flags
      && link == other.link && port == other.port && (!holds || mobileNode == other.mobileNode)
  }
}
