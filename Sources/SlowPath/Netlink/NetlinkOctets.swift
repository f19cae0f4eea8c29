import FlowTable

/// A piece of a received netlink datagram, read with bounds checks: every read past the end is nil, never a trap.
///
/// Netlink integers are in host byte order, read here as little-endian: the only order of the machines this runs on
/// (x86-64 and arm64 Linux). Addresses and link-layer addresses are in wire order.
package struct NetlinkOctets {
  private let octets: ArraySlice<UInt8>

  package init(_ octets: ArraySlice<UInt8>) { self.octets = octets }

  package var count: Int { octets.count }

  /// The octets from `offset` on, `length` of them, or nil if they are not all there.
  package func slice(at offset: Int, length: Int) -> NetlinkOctets? {
    guard offset >= 0, length >= 0, length <= count, offset <= count - length else { return nil }
    let start = octets.startIndex + offset
    return NetlinkOctets(octets[start..<start + length])
  }

  /// Everything from `offset` on, or nil if there are fewer octets than `offset`.
  package func dropping(_ offset: Int) -> NetlinkOctets? {
    slice(at: offset, length: count - offset)
  }

  package func uint8(at offset: Int) -> UInt8? {
    guard offset >= 0, offset < count else { return nil }
    return octets[octets.startIndex + offset]
  }

  package func uint16(at offset: Int) -> UInt16? {
    guard let low = uint8(at: offset), let high = uint8(at: offset + 1) else { return nil }
    return UInt16(low) | UInt16(high) << 8
  }

  package func uint32(at offset: Int) -> UInt32? {
    guard let low = uint16(at: offset), let high = uint16(at: offset + 2) else { return nil }
    return UInt32(low) | UInt32(high) << 16
  }

  package func int32(at offset: Int) -> Int32? { uint32(at: offset).map(Int32.init(bitPattern:)) }

  /// The whole piece as an address of `family` (4 or 16 octets), or nil if its length is another.
  func address(family: UInt8) -> IPAddress? {
    switch (family, count) {
    case (NetlinkFamily.ipv4, 4): IPAddress(ipv4: UInt32(bigEndianNumber(at: 0, length: 4)))
    case (NetlinkFamily.ipv6, 16):
      IPAddress(ipv6High: bigEndianNumber(at: 0, length: 8), low: bigEndianNumber(at: 8, length: 8))
    default: nil
    }
  }

  /// The whole piece as a link-layer address, or nil unless it is six octets and not all zero (loopback, tunnels).
  var macAddress: MACAddress? {
    guard count == 6 else { return nil }
    let value = bigEndianNumber(at: 0, length: 6)
    return value == 0 ? nil : MACAddress(value)
  }

  /// The octets before the first zero as text; invalid UTF-8 is repaired, so a hostile name cannot fail later.
  var text: String { String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self) }

  /// Precondition: the range lies inside, which both callers have just established from `count`.
  private func bigEndianNumber(at offset: Int, length: Int) -> UInt64 {
    octets[(octets.startIndex + offset)..<(octets.startIndex + offset + length)].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
