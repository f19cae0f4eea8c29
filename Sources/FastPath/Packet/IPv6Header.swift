import FlowTable

/// The fixed IPv6 header (RFC 8200 section 3), read and written in place.
enum IPv6Header {
  static let length = 40
  static let nextHeaderHopByHop: UInt8 = 0
  static let nextHeaderIPv4: UInt8 = 4
  static let nextHeaderTCP: UInt8 = 6
  static let nextHeaderUDP: UInt8 = 17
  static let nextHeaderIPv6: UInt8 = 41
  static let nextHeaderICMPv6: UInt8 = 58
  static let nextHeaderDestinationOptions: UInt8 = 60

  @inline(__always)
  static func source(_ frame: FrameView, _ offset: Int) -> IPAddress {
    IPAddress(ipv6High: frame.word64(offset + 8), low: frame.word64(offset + 16))
  }

  @inline(__always)
  static func destination(_ frame: FrameView, _ offset: Int) -> IPAddress {
    IPAddress(ipv6High: frame.word64(offset + 24), low: frame.word64(offset + 32))
  }

  @inline(__always)
  static func trafficClass(_ frame: FrameView, _ offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: frame.word16(offset) >> 4)
  }

  @inline(__always)
  static func setTrafficClass(_ frame: FrameView, _ offset: Int, _ value: UInt8) {
    frame.setWord16(offset, (frame.word16(offset) & 0xf00f) | UInt16(value) << 4)
  }

  @inline(__always)
  static func hopLimit(_ frame: FrameView, _ offset: Int) -> UInt8 { frame.octet(offset + 7) }

  /// The caller has checked that the hop limit is above 1 (RFC 8200 section 3), so this cannot wrap.
  @inline(__always)
  static func decrementHopLimit(_ frame: FrameView, _ offset: Int) {
    frame.setOctet(offset + 7, frame.octet(offset + 7) &- 1)
  }
}
