import FlowTable

/// Which addresses may stand where. Each check returns what is wrong, or nil.
enum AddressRule {
  /// A tunnel end point, router address or similar: one host, reachable beyond its link.
  static func globalUnicastViolation(_ address: IPAddress) -> String? {
    address.isLinkLocal ? "\(address) is link-local" : unicastViolation(address)
  }

  /// One host, on this link or beyond it.
  static func unicastViolation(_ address: IPAddress) -> String? {
    if address.isUnspecified { return "\(address) is the unspecified address" }
    if address.isMulticast { return "\(address) is a multicast address" }
    if address.isLoopback { return "\(address) is a loopback address" }
    if address == IPAddress(ipv4: .max) { return "\(address) is the broadcast address" }
    if address.family == .ipv6 && address.high == 0 && address.low >> 32 == 0xffff {
      return "\(address) is an IPv4-mapped address"
    }
    return nil
  }

  /// A prefix whose every address may be a mobile node's or a host's: it neither lies in nor covers a special range.
  static func unicastViolation(_ prefix: Prefix) -> String? {
    for special in specialPrefixes where special.contains(prefix) || prefix.contains(special) {
      return "\(prefix) overlaps \(special), which is not unicast beyond a link"
    }
    return nil
  }

  static func violation(_ mac: MACAddress) -> String? {
    if mac.value == 0 { return "\(mac) is not a station's address" }
    // IEEE 802: the lowest bit of the first octet marks groups, broadcast included.
    return mac.value >> 40 & 1 == 1 ? "\(mac) is a group address" : nil
  }

  /// Multicast, link-local, loopback and unspecified ranges of both families (RFC 4291 section 2.4, RFC 6890).
  private static let specialPrefixes: [Prefix] = [
    Prefix(covering: IPAddress(ipv6High: 0xff00 << 48, low: 0), length: 8),
    Prefix(covering: IPAddress(ipv6High: 0xfe80 << 48, low: 0), length: 10),
    Prefix(covering: IPAddress(ipv6High: 0, low: 1), length: 128),
    Prefix(covering: IPAddress(ipv6High: 0, low: 0), length: 128),
    Prefix(covering: IPAddress(ipv6High: 0, low: 0xffff_0000_0000), length: 96),
    Prefix(covering: IPAddress(ipv4: 0xe000_0000), length: 4),
    Prefix(covering: IPAddress(ipv4: 0xa9fe_0000), length: 16),
    Prefix(covering: IPAddress(ipv4: 0x7f00_0000), length: 8),
    Prefix(covering: IPAddress(ipv4: 0), length: 8),
    Prefix(covering: IPAddress(ipv4: .max), length: 32),
  ]
}
