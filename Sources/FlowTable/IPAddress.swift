/// The two address families a binding, a tunnel payload or a route can have.
@frozen
public enum AddressFamily: UInt8, Sendable, BitwiseCopyable {
  case ipv4 = 4
  case ipv6 = 6
}

/// An IPv4 or IPv6 address as two host-order words of its 128-bit form.
///
/// IPv4 is held as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2) so that prefix arithmetic is one code for both families;
/// `family` keeps an IPv6 packet that carries such an address from ever meeting an IPv4 entry.
@frozen
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
  /// Octets 0–7, most significant first, as a number.
  public let high: UInt64
  /// Octets 8–15, most significant first, as a number.
  public let low: UInt64
  public let family: AddressFamily

  @inlinable
  public init(ipv6High high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
    self.family = .ipv6
  }

  /// - Parameter value: the four octets as a number, most significant first (198.51.100.1 is 0xC6336401).
  @inlinable
  public init(ipv4 value: UInt32) {
    self.high = 0
    self.low = 0x0000_ffff_0000_0000 | UInt64(value)
    self.family = .ipv4
  }

  /// The four octets of an IPv4 address as a number; meaningless for IPv6.
  @inlinable
  public var ipv4Value: UInt32 { UInt32(truncatingIfNeeded: low) }
}
