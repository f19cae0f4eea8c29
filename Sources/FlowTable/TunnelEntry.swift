/// The record behind a tunnel: 128 octets, immutable from its publication until it is freed. Entry 0 is no tunnel.
@frozen
@usableFromInline
struct TunnelRecord: BitwiseCopyable {
  // Addresses as they stand in a packet: memory order is network order.
  @usableFromInline var localHigh: UInt64 = 0
  @usableFromInline var localLow: UInt64 = 0
  @usableFromInline var remoteHigh: UInt64 = 0
  @usableFromInline var remoteLow: UInt64 = 0
  @usableFromInline var id: UInt32 = 0
  @usableFromInline var nextHop: UInt32 = 0
  @usableFromInline var mtu: UInt16 = 0
  @usableFromInline var hopLimit: UInt8 = 0
  /// 0…63, `copyDSCP` or `uniformDSCP`.
  @usableFromInline var dscp: UInt8 = 0
  @usableFromInline var ecn = ECNMode.rfc6040
  @usableFromInline var hasLimit = false
  @usableFromInline var limit: UInt8 = 0
  /// What makes a tunnel unlike others: one octet, so that a packet of any other looks once.
  @usableFromInline var flags: UInt8 = 0
  // Room for what later issues add to a tunnel without a second cache line pair.
  @usableFromInline var unused: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (
    0, 0, 0, 0, 0, 0, 0, 0, 0
  )

  init() {}

  @usableFromInline static let copyDSCP: UInt8 = 0xff
  @usableFromInline static let uniformDSCP: UInt8 = 0xfe
  @usableFromInline static let anchored: UInt8 = 1
  @usableFromInline static let failedProxy: UInt8 = 2
  @usableFromInline static let failedMobile: UInt8 = 4
  @usableFromInline static let failed = failedProxy | failedMobile

  @usableFromInline
  static func failed(for table: BindingTable) -> UInt8 { table == .proxy ? failedProxy : failedMobile }
  static let bytes = 128
}

/// A tunnel as a worker sees it: a pointer into the table, valid until the worker's next quiescent report.
@frozen
@safe
public struct TunnelEntry: BitwiseCopyable {
  // Points at a record reached by an acquire load in the current turn; the grace period keeps it as it is.
  @usableFromInline let record: UnsafePointer<TunnelRecord>

  @inlinable
  init(record: UnsafePointer<TunnelRecord>) { unsafe self.record = unsafe record }

  /// False for an identifier that has no tunnel (any more).
  @inlinable
  public var exists: Bool { unsafe record.pointee.id != 0 }

  @inlinable
  public var id: TunnelID { TunnelID(unsafe record.pointee.id) }

  /// Our end, the outer source: two words to be stored as they are (memory order is network order).
  @inlinable
  public var localWords: (UInt64, UInt64) { (unsafe record.pointee.localHigh, unsafe record.pointee.localLow) }

  /// The far end, the outer destination: two words to be stored as they are (memory order is network order).
  @inlinable
  public var remoteWords: (UInt64, UInt64) { (unsafe record.pointee.remoteHigh, unsafe record.pointee.remoteLow) }

  @inlinable
  public var local: IPAddress {
    IPAddress(
      ipv6High: UInt64(bigEndian: unsafe record.pointee.localHigh),
      low: UInt64(bigEndian: unsafe record.pointee.localLow))
  }

  @inlinable
  public var remote: IPAddress {
    IPAddress(
      ipv6High: UInt64(bigEndian: unsafe record.pointee.remoteHigh),
      low: UInt64(bigEndian: unsafe record.pointee.remoteLow))
  }

  @inlinable
  public var nextHop: NextHopID { NextHopID(unsafe record.pointee.nextHop) }

  /// Largest inner packet, in octets, that enters unfragmented.
  @inlinable
  public var mtu: UInt16 { unsafe record.pointee.mtu }

  /// Hop limit of the outer header (RFC 2473 section 6.3).
  @inlinable
  public var hopLimit: UInt8 { unsafe record.pointee.hopLimit }

  @inlinable
  public var dscp: DSCPMode {
    switch unsafe record.pointee.dscp {
    case TunnelRecord.copyDSCP: .copy
    case TunnelRecord.uniformDSCP: .uniform
    case let value: .fixed(value)
    }
  }

  /// The outer DSCP (0…63) for an inner packet with this one.
  @inlinable
  public func outerDSCP(inner: UInt8) -> UInt8 {
    let value = unsafe record.pointee.dscp
    return value > 63 ? inner : value
  }

  /// Whether the outer DSCP replaces the inner one at the exit (RFC 2983 section 3.1, uniform model).
  @inlinable
  public var restoresDSCP: Bool { unsafe record.pointee.dscp == TunnelRecord.uniformDSCP }

  @inlinable
  public var ecn: ECNMode { unsafe record.pointee.ecn }

  /// Whether the tunnel is neither failed nor anchored: what it takes is encapsulated once and sent.
  @inlinable
  public var isPlain: Bool { unsafe record.pointee.flags == 0 }

  /// Whether the tunnel is plain and has no limit configured: nothing but an IPv6 header goes in front of its packets.
  @inlinable
  public var isOrdinary: Bool { unsafe record.pointee.flags == 0 && !record.pointee.hasLimit }

  /// Whether the far end is an address of this anchor's own pools: what leaves by the tunnel is encapsulated again.
  @inlinable
  public var isAnchored: Bool { unsafe record.pointee.flags & TunnelRecord.anchored != 0 }

  /// Whether the far end is known to be down: nothing comes or goes by the tunnel.
  @inlinable
  public var isFailed: Bool { unsafe record.pointee.flags & TunnelRecord.failed == TunnelRecord.failed }

  /// Whether the tunnel carries packets of both tables' bindings: neither failed nor with a table that is being revoked.
  @inlinable
  public var carriesAll: Bool { unsafe record.pointee.flags & TunnelRecord.failed == 0 }

  /// The table for whose bindings nothing comes or goes by the tunnel, if that is so for one of them only.
  public var revokedTable: BindingTable? {
    switch unsafe record.pointee.flags & TunnelRecord.failed {
    case TunnelRecord.failedProxy: .proxy
    case TunnelRecord.failedMobile: .mobile
    default: nil
    }
  }

  /// The configured tunnel encapsulation limit (RFC 2473 section 4.1.1); nil without one. `mtu` allows for its option.
  @inlinable
  public var encapsulationLimit: UInt8? { unsafe record.pointee.hasLimit ? record.pointee.limit : nil }
}
