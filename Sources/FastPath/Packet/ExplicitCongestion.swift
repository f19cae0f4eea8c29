/// ECN across a tunnel (RFC 6040). Code points: Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3.
enum ExplicitCongestion {
  /// The traffic class octet of the outer header: DSCP by the tunnel's mode, ECN of the inner packet in normal mode
  /// (section 4.1), Not-ECT in compatibility mode.
  @inline(__always)
  static func outerTrafficClass(inner: UInt8, dscp: UInt8, compatibility: Bool) -> UInt8 {
    dscp << 2 | (compatibility ? 0 : inner & 0x03)
  }

  /// The inner traffic class octet after decapsulation (section 4.2), or nil when the packet must be dropped: CE was
  /// set on an outer header whose inner packet does not understand it.
  ///
  /// Only four of the sixteen cells differ from "inner unchanged": (Not-ECT, CE) drop, (ECT, CE) CE, (ECT(0), ECT(1)) ECT(1).
  @inline(__always)
  static func innerTrafficClass(inner: UInt8, outer: UInt8) -> UInt8? {
    switch (inner & 3, outer & 3) {
    case (0, 3): nil
    case (1, 3), (2, 3): inner | 3
    case (2, 1): inner & 0xfc | 1
    default: inner
    }
  }
}
