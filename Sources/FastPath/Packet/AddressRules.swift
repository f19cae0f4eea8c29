import FlowTable

/// Which addresses may never cross a router (RFC 4291 section 2, RFC 1812 section 5.3.7), as verdicts on a forwarded packet.
enum AddressRules {
  /// The reason to drop a packet for its addresses, or nil when both may be forwarded.
  @inline(__always)
  static func violation(source: IPAddress, destination: IPAddress) -> DropReason? {
    if source.family == .ipv6 {
      // 1 to fdff…: nearly every packet's addresses, and none of them is of the rules' below.
      if source.high &- 1 < 0xfdff_ffff_ffff_ffff && destination.high &- 1 < 0xfdff_ffff_ffff_ffff { return nil }
      return rareViolation(source: source, destination: destination)
    }
    let from = source.ipv4Value
    let to = destination.ipv4Value
    if isLinkLocal(ipv4: from) { return .linkLocalSource }
    if isForwardable(ipv4: from) && isForwardable(ipv4: to) && !isLinkLocal(ipv4: to) { return nil }
    return .martian
  }

  @inline(never)
  private static func rareViolation(source: IPAddress, destination: IPAddress) -> DropReason? {
    if isForwardable(source) && isForwardable(destination) { return nil }
    return isLinkLocal(source) ? .linkLocalSource : .martian
  }

  /// Neither multicast, link-local, unspecified, loopback nor an IPv4-mapped or IPv4-compatible form of one (::/80).
  @inline(__always)
  private static func isForwardable(_ address: IPAddress) -> Bool {
    let top = UInt8(truncatingIfNeeded: address.high >> 56)
    if top == 0xff || isLinkLocal(address) { return false }
    // ::/80 holds ::, ::1, the IPv4-compatible and the IPv4-mapped addresses: none is a host's on a wire.
    return !(address.high == 0 && address.low >> 48 == 0)
  }

  @inline(__always)
  private static func isLinkLocal(_ address: IPAddress) -> Bool { address.high >> 54 == 0xfe80 >> 6 }

  /// Outside 0/8, 127/8, multicast, class E and broadcast.
  @inline(__always)
  private static func isForwardable(ipv4 value: UInt32) -> Bool {
    let top = value >> 24
    return top != 0 && top != 127 && top < 224
  }

  /// 169.254/16 (RFC 3927 section 7: routers do not forward it).
  @inline(__always)
  private static func isLinkLocal(ipv4 value: UInt32) -> Bool { value >> 16 == 0xa9fe }
}
