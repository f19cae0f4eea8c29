/// What the forwarding rules ask of an address, for both families (RFC 4291 section 2.4, RFC 6890).
extension IPAddress {
  /// ff00::/8 or 224.0.0.0/4.
  @inlinable
  public var isMulticast: Bool { family == .ipv6 ? high >> 56 == 0xff : ipv4Value >> 28 == 0xe }

  /// fe80::/10 or 169.254.0.0/16.
  @inlinable
  public var isLinkLocal: Bool { family == .ipv6 ? high >> 54 == 0x3fa : ipv4Value >> 16 == 0xa9fe }

  /// ::1 or 127.0.0.0/8.
  @inlinable
  public var isLoopback: Bool { family == .ipv6 ? high == 0 && low == 1 : ipv4Value >> 24 == 127 }

  /// :: or 0.0.0.0.
  @inlinable
  public var isUnspecified: Bool { family == .ipv6 ? high == 0 && low == 0 : ipv4Value == 0 }
}
