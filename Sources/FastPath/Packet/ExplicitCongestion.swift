import FlowTable

/// ECN (RFC 6040) and DSCP (RFC 2983) across a tunnel. Code points: Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3.
enum ExplicitCongestion {
  /// The traffic class octet of the outer header: DSCP as the tunnel says, ECN of the inner packet in normal mode
  /// (RFC 6040 section 4.1), Not-ECT in compatibility mode.
  @inline(__always)
  static func outerTrafficClass(inner: UInt8, tunnel: TunnelEntry) -> UInt8 {
    tunnel.outerDSCP(inner: inner >> 2) << 2 | (tunnel.ecn == .compatibility ? 0 : inner & 0x03)
  }

  /// The inner traffic class octet after decapsulation, or nil when the packet must be dropped: CE was set on an outer
  /// header whose inner packet does not understand it.
  ///
  /// RFC 6040 section 4.2 changes four of the sixteen cells: (Not-ECT, CE) drop, (ECT, CE) CE, (ECT(0), ECT(1)) ECT(1).
  /// RFC 5213 section 5.6.3 knows only (ECT, CE).
  @inline(__always)
  static func innerTrafficClass(inner: UInt8, outer: UInt8, rule: ExitRule) -> UInt8? {
    let dscp = (rule.contains(.uniform) ? outer : inner) & 0xfc
    return switch (inner & 3, outer & 3) {
    case (0, 3): rule.contains(.rfc5213) ? dscp : nil
    case (1, 3), (2, 3): dscp | 3
    case (2, 1): dscp | (rule.contains(.rfc5213) ? 2 : 1)
    default: dscp | inner & 3
    }
  }

  /// Whether decapsulation leaves the inner traffic class as it is without a look at the table above: the same mark inside
  /// and outside, as nearly every packet has.
  @inline(__always)
  static func isMerged(inner: UInt8, outer: UInt8, rule: ExitRule) -> Bool {
    (inner ^ outer) & 3 == 0 && !rule.contains(.uniform)
  }

  /// Whether a pair of ECN fields is one that no sound network makes today, so that it is counted (RFC 6040 section 4.2,
  /// the cells with exclamation marks).
  @inline(__always)
  static func isUnusual(inner: UInt8, outer: UInt8) -> Bool {
    unusual >> UInt16(cell(inner: inner, outer: outer)) & 1 != 0
  }

  /// Number of a pair of ECN fields, 0…15: the inner one in the upper two bits.
  @inline(__always)
  static func cell(inner: UInt8, outer: UInt8) -> Int { Int((inner & 3) << 2 | outer & 3) }

  /// A bit for each unusual cell: (Not-ECT, anything else), (ECT(1), ECT(0)), (CE, ECT(1)).
  static let unusual: UInt16 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 13
}

/// How a tunnel's exit treats the traffic class: what of the tunnel's settings a packet carries along.
struct ExitRule: OptionSet, BitwiseCopyable {
  let rawValue: UInt8

  /// `ecn: rfc5213-strict`.
  static let rfc5213 = ExitRule(rawValue: 1)
  /// `dscp: uniform`: the outer DSCP is the inner one from here on.
  static let uniform = ExitRule(rawValue: 2)

  @inline(__always)
  init(rawValue: UInt8) { self.rawValue = rawValue }

  @inline(__always)
  init(_ tunnel: TunnelEntry) {
    rawValue = (tunnel.ecn == .rfc5213Strict ? 1 : 0) | (tunnel.restoresDSCP ? 2 : 0)
  }
}
