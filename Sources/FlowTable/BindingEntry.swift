/// The record behind a binding or a route: one cache line, immutable from its publication until it is freed.
///
/// Written whole by the writer before the release store of the bucket slot that names it; a reader gets here through an
/// acquire load of that slot.
@frozen
@usableFromInline
struct BindingRecord: BitwiseCopyable {
  /// The masked address; every bit past the length is zero.
  @usableFromInline var high: UInt64 = 0
  @usableFromInline var low: UInt64 = 0
  /// The first generation in which this record holds; older snapshots take `previous`.
  @usableFromInline var generation: UInt64 = 0
  /// Access MAC address in the upper 48 bits, VLAN identifier (0 = untagged) in the lower 16.
  @usableFromInline var link: UInt64 = 0
  /// The record of the same key that this one replaced; 0 = there was none. Valid while a snapshot can need it.
  @usableFromInline var previous: UInt32 = 0
  /// Tunnel of a binding, next hop of a route.
  @usableFromInline var target: UInt32 = 0
  /// Index of the binding's traffic cell.
  @usableFromInline var counter: UInt32 = 0
  /// The other MAG's tunnel in a handover state; 0 = none.
  @usableFromInline var peer: UInt32 = 0
  /// Length class in the lower octet, flags in the upper: one word, so that a lookup compares both at once.
  @usableFromInline var kind = UInt16(LengthClass.none.rawValue)
  @usableFromInline var state = BindingState.active
  @usableFromInline var port: UInt8 = 0
  /// The account of held packets; 0 = none.
  @usableFromInline var holding: UInt32 = 0
  /// The first unit of the block of localized routes; 0 = none.
  @usableFromInline var localizedRoutes: UInt32 = 0
  @usableFromInline var unused32: UInt32 = 0

  init() {}

  /// From this record's generation on the key is absent.
  @usableFromInline static let tombstone: UInt8 = 1
  /// `link` and `port` hold an access link.
  @usableFromInline static let hasAccess: UInt8 = 2
  /// The mobile node has its own local-routing rule, and it is `localRoutingOn`.
  @usableFromInline static let localRoutingSet: UInt8 = 4
  @usableFromInline static let localRoutingOn: UInt8 = 8
  /// What comes by the tunnel unprotected is not the mobile node's.
  @usableFromInline static let requiresESP: UInt8 = 16
  /// Active after flushing.
  @usableFromInline static let flushed: UInt8 = 32
  /// Ordinary hosts.
  @usableFromInline static let visitor: UInt8 = 64

  @usableFromInline static let tombstoneOrClass = UInt16(tombstone) << 8 | 0xff

  @inlinable
  var lengthClass: LengthClass {
    get { LengthClass(rawValue: UInt8(truncatingIfNeeded: kind)) }
    set { kind = kind & 0xff00 | UInt16(newValue.rawValue) }
  }

  @inlinable
  var flags: UInt8 {
    get { UInt8(truncatingIfNeeded: kind >> 8) }
    set { kind = kind & 0xff | UInt16(newValue) << 8 }
  }

  var key: TableKey { TableKey(high: high, low: low, lengthClass: lengthClass) }
  var isTombstone: Bool { flags & Self.tombstone != 0 }
}

/// A binding as a worker sees it: a pointer into the table, valid until the worker's next quiescent report.
@frozen
@safe
public struct BindingEntry: BitwiseCopyable {
  // Points at a record that some acquire load reached in the current turn; the grace period keeps it as it is.
  @usableFromInline let record: UnsafePointer<BindingRecord>

  @inlinable
  init(record: UnsafePointer<BindingRecord>) { unsafe self.record = unsafe record }

  @inlinable
  public var tunnel: TunnelID { TunnelID(unsafe record.pointee.target) }

  /// The traffic cell to count this binding's packets in; the same one for as long as the binding exists.
  @inlinable
  public var counter: UInt32 { unsafe record.pointee.counter }

  @inlinable
  public var state: BindingState { unsafe record.pointee.state }

  /// Whether the binding has an access link: it is one of a MAG.
  @inlinable
  public var hasAccess: Bool { unsafe record.pointee.flags & BindingRecord.hasAccess != 0 }

  /// Index of the access port; meaningful when `hasAccess`.
  @inlinable
  public var accessPort: UInt8 { unsafe record.pointee.port }

  /// The mobile node's link-layer address; meaningful when `hasAccess`.
  @inlinable
  public var accessMAC: MACAddress { MACAddress(unsafe record.pointee.link >> 16) }

  /// VLAN identifier on the access link, 0 for untagged; meaningful when `hasAccess`.
  @inlinable
  public var accessVLAN: UInt16 { UInt16(truncatingIfNeeded: unsafe record.pointee.link) }

  /// Whether the mobile nodes of both are on one access link under one address, and so are one; meaningful when both have
  /// `hasAccess`.
  @inlinable
  public func sharesLink(with other: BindingEntry) -> Bool {
    unsafe record.pointee.link == other.record.pointee.link && record.pointee.port == other.record.pointee.port
  }

  /// The tunnel of a handover state's other MAG, nil when the binding names none.
  @inlinable
  public var peer: TunnelID? {
    let peer = unsafe record.pointee.peer
    return peer == 0 ? nil : TunnelID(peer)
  }

  /// The account of packets held for the mobile node.
  @inlinable
  public var holding: HoldingID? {
    let holding = unsafe record.pointee.holding
    return holding == 0 ? nil : HoldingID(holding)
  }

  /// Whether the state is `active` and follows `flushing`.
  @inlinable
  public var isFlushed: Bool { unsafe record.pointee.flags & BindingRecord.flushed != 0 }

  /// Whether the prefix is of ordinary hosts: no tunnel, and of the access link the port only.
  @inlinable
  public var isVisitor: Bool { unsafe record.pointee.flags & BindingRecord.visitor != 0 }

  /// Whether the binding is active and nothing else: no handover goes on or has just ended, and it is no visitor's.
  @inlinable
  public var isPlain: Bool {
    unsafe record.pointee.state == .active
      && record.pointee.flags & (BindingRecord.flushed | BindingRecord.visitor) == 0
  }

  /// Whether the binding has an access link with a mobile node on it.
  @inlinable
  public var hostsMobileNode: Bool {
    unsafe record.pointee.flags & (BindingRecord.hasAccess | BindingRecord.visitor) == BindingRecord.hasAccess
  }

  /// The localized routes from the binding's prefix (`TableSnapshot.localizedTunnel`).
  @inlinable
  public var localizedRoutes: LocalizedRoutesID? {
    let block = unsafe record.pointee.localizedRoutes
    return block == 0 ? nil : LocalizedRoutesID(block)
  }

  /// Whether packets between mobile nodes of this MAG may stay here: the binding's own rule, or `standard` without one.
  @inlinable
  public func localRouting(standard: Bool) -> Bool {
    let flags = unsafe record.pointee.flags
    return flags & BindingRecord.localRoutingSet == 0 ? standard : flags & BindingRecord.localRoutingOn != 0
  }

  /// Whether the mobile node's packets must come through IPsec, and so never by the tunnel.
  @inlinable
  public var requiresESP: Bool { unsafe record.pointee.flags & BindingRecord.requiresESP != 0 }

  /// 0…128, or 0…32 for IPv4.
  @inlinable
  public var prefixLength: Int { unsafe record.pointee.lengthClass.length }

  @inlinable
  public var family: AddressFamily { unsafe record.pointee.lengthClass.family }

  /// Whether an address has the same 128 bits as the network address of the prefix, whatever their families. By the words,
  /// the lower first: of nearly every address it differs.
  @inlinable
  public func isNetwork(_ address: IPAddress) -> Bool {
    unsafe record.pointee.low == address.low && record.pointee.high == address.high
  }

  /// Whether the prefix covers an address.
  @inlinable
  public func covers(_ address: IPAddress) -> Bool {
    // As many leading bits are the same: for nearly every address fewer than the prefix has, and no mask is needed.
    let high = unsafe record.pointee.high ^ address.high
    let low = unsafe record.pointee.low ^ address.low
    let same = high != 0 ? high.leadingZeroBitCount : 64 + low.leadingZeroBitCount
    let lengthClass = unsafe record.pointee.lengthClass
    return same >= lengthClass.bits && lengthClass.family == address.family
  }

  /// The network address of the prefix.
  @inlinable
  public var network: IPAddress {
    let record = unsafe record.pointee
    return record.lengthClass.family == .ipv6
      ? IPAddress(ipv6High: record.high, low: record.low)
      : IPAddress(ipv4: UInt32(truncatingIfNeeded: record.low))
  }
}
