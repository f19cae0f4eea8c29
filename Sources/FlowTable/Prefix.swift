/// An IPv6 or IPv4 prefix whose host bits are zero: the key of a binding, a route, a pool.
public struct Prefix: Hashable, Sendable, BitwiseCopyable {
  /// The network address; every bit past `length` is zero.
  public let address: IPAddress
  /// 0…128 for IPv6, 0…32 for IPv4.
  public let length: UInt8

  /// - Returns: nil when `length` is out of range for the family or a bit past it is set.
  public init?(address: IPAddress, length: Int) {
    guard length >= 0, length <= address.family.longestPrefix, address.masked(to: length) == address else { return nil }
    self.address = address
    self.length = UInt8(length)
  }

  /// The prefix of `length` bits that `address` lies in: host bits are cleared.
  ///
  /// - Precondition: 0 ≤ `length` ≤ 128, or 32 for IPv4.
  public init(covering address: IPAddress, length: Int) {
    precondition(length >= 0 && length <= address.family.longestPrefix, "prefix length \(length) out of range")
    self.address = address.masked(to: length)
    self.length = UInt8(length)
  }

  public var family: AddressFamily { address.family }

  public func contains(_ address: IPAddress) -> Bool {
    address.family == family && address.masked(to: Int(length)) == self.address
  }

  /// Whether every address of `other` lies in this prefix; a prefix contains itself.
  public func contains(_ other: Prefix) -> Bool {
    other.length >= length && contains(other.address)
  }
}

extension AddressFamily {
  /// The length of a host prefix: 128 or 32.
  @inlinable
  public var longestPrefix: Int { self == .ipv6 ? 128 : 32 }
}

extension IPAddress {
  /// This address with every bit past the first `length` (of its own family's width) cleared.
  ///
  /// - Precondition: 0 ≤ `length` ≤ `family.longestPrefix`.
  @inlinable
  public func masked(to length: Int) -> IPAddress {
    // IPv4 lives in the last 32 bits of the mapped form, so its mask covers the 96 bits before it as well.
    let bits = family == .ipv6 ? length : 96 + length
    let masked = (high: high & UInt64.leadingOnes(bits), low: low & UInt64.leadingOnes(bits - 64))
    return family == .ipv6
      ? IPAddress(ipv6High: masked.high, low: masked.low) : IPAddress(ipv4: UInt32(truncatingIfNeeded: masked.low))
  }
}

extension UInt64 {
  /// A word whose first `count` bits are one; nothing for a count below zero, everything above 64.
  @inlinable
  static func leadingOnes(_ count: Int) -> UInt64 {
    // The smart shift yields 0 for 64 and more, which is what count <= 0 needs.
    count <= 0 ? 0 : ~(UInt64.max >> UInt64(count))
  }
}
