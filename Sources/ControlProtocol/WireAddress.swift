/// The address families of the protocol, numbered as IP's version field.
@frozen
public enum WireFamily: UInt8, Sendable, BitwiseCopyable {
  case ipv4 = 4
  case ipv6 = 6

  /// Bits of an address.
  public var bits: Int { self == .ipv4 ? 32 : 128 }
}

/// An address as two host-order words; IPv4 as ::ffff:a.b.c.d, the convention of the forwarding tables.
///
/// On the wire it is 16 octets in network order; an IPv4 address is in the first four and the rest are zero.
@frozen
public struct WireAddress: Hashable, Sendable, BitwiseCopyable {
  /// Octets 0–7 as a number, most significant first.
  public var high: UInt64
  /// Octets 8–15 as a number, most significant first.
  public var low: UInt64
  public var family: WireFamily

  public init(ipv6High high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
    self.family = .ipv6
  }

  /// - Parameter value: the four octets as a number, most significant first.
  public init(ipv4 value: UInt32) {
    self.high = 0
    self.low = 0x0000_ffff_0000_0000 | UInt64(value)
    self.family = .ipv4
  }

  public var ipv4Value: UInt32 { UInt32(truncatingIfNeeded: low) }

  /// 0.0.0.0 or ::.
  public var isUnspecified: Bool { family == .ipv4 ? ipv4Value == 0 : high == 0 && low == 0 }
}

/// A prefix: an address whose bits after `length` are zero.
@frozen
public struct WirePrefix: Hashable, Sendable, BitwiseCopyable {
  public let address: WireAddress
  /// 0…128, or 0…32 for IPv4.
  public let length: UInt8

  /// Nil when the length is out of range or a host bit is set.
  public init?(address: WireAddress, length: Int) {
    guard length >= 0, length <= address.family.bits else { return nil }
    let leading = address.family == .ipv4 ? 96 + length : length
    let highMask: UInt64 = leading >= 64 ? .max : ~(UInt64.max >> UInt64(leading))
    let lowMask: UInt64 = leading <= 64 ? 0 : ~(UInt64.max >> UInt64(leading - 64))
    guard address.high & ~highMask == 0, address.low & ~lowMask == 0 else { return nil }
    self.address = address
    self.length = UInt8(length)
  }
}

/// The two ends of a tunnel, ours first. Both have one family.
@frozen
public struct WireTunnel: Hashable, Sendable, BitwiseCopyable {
  public var local: WireAddress
  public var remote: WireAddress

  public init(local: WireAddress, remote: WireAddress) {
    self.local = local
    self.remote = remote
  }
}
