import FlowTable

/// A packet that an ICMP error would be about, after the checks of RFC 4443 section 2.4 (e) and RFC 1812 section 4.3.2.7.
struct AnswerablePacket {
  let octets: ArraySlice<UInt8>
  let source: IPAddress
  let destination: IPAddress

  /// Nil: it is not answered.
  ///
  /// A packet that was sent to a link-layer group address never comes this far: the steering program leaves it to the
  /// kernel. Nor does one from an anycast address that the tables know: a worker asks nothing for it.
  /// What RFC 4443 section 2.4 (e.3) allows about packets to multicast addresses does not come up: none is forwarded, and
  /// none enters a tunnel.
  /// - Parameter octets: from the IP header on; may end early.
  init?(_ octets: ArraySlice<UInt8>) {
    guard let first = octets.first else { return nil }
    let packet = Array(octets)
    switch first >> 4 {
    case 6:
      guard packet.count >= 40, !Self.isErrorIPv6(packet) else { return nil }
      source = OuterHeader.address(packet, at: 8)
      destination = OuterHeader.address(packet, at: 24)
    case 4:
      guard packet.count >= 20, !Self.isErrorOrFragmentIPv4(packet) else { return nil }
      source = IPAddress(ipv4: OuterHeader.number(packet, at: 12, octets: 4))
      destination = IPAddress(ipv4: OuterHeader.number(packet, at: 16, octets: 4))
    default: return nil
    }
    guard Self.isHost(source), !Self.isGroup(destination) else { return nil }
    self.octets = octets
  }

  var isIPv4: Bool { source.family == .ipv4 }

  private static func isGroup(_ address: IPAddress) -> Bool {
    address.isMulticast || (address.family == .ipv4 && address.ipv4Value == ~0)
  }

  /// The address of one host, as far as an address shows it.
  private static func isHost(_ address: IPAddress) -> Bool {
    if address.isMulticast || address.isUnspecified || address.isLoopback { return false }
    // 0/8 and class E with the limited broadcast (RFC 1812 section 4.2.2.11).
    return address.family == .ipv6 || (address.ipv4Value >> 24 != 0 && address.ipv4Value >> 28 != 0xf)
  }

  /// An ICMPv6 error or a redirect, also behind extension headers; and an ICMPv6 message whose type is not there to see.
  private static func isErrorIPv6(_ packet: [UInt8]) -> Bool {
    var next = packet[6]
    var position = 40
    // Each header takes eight octets at least, so the walk ends with the packet.
    while next != HeaderNumber.icmp {
      guard position + 8 <= packet.count else { return false }
      switch next {
      case HeaderNumber.hopByHop, HeaderNumber.routing, HeaderNumber.destinationOptions:
        next = packet[position]
        position += (Int(packet[position + 1]) + 1) * 8
      case HeaderNumber.authentication:
        next = packet[position]
        position += (Int(packet[position + 1]) + 2) * 4
      case HeaderNumber.fragment:
        next = packet[position]
        // What a later fragment belongs to is told by this field alone.
        if packet[position + 2] != 0 || packet[position + 3] & 0xf8 != 0 { return next == HeaderNumber.icmp }
        position += 8
      default: return false
      }
    }
    guard position < packet.count else { return true }
    return packet[position] < 128 || packet[position] == 137
  }

  /// RFC 1812 section 4.3.2.7: neither an ICMP error nor a fragment beside the first.
  private static func isErrorOrFragmentIPv4(_ packet: [UInt8]) -> Bool {
    let header = Int(packet[0] & 15) * 4
    let fragment: UInt16 = OuterHeader.number(packet, at: 6, octets: 2)
    if header < 20 || fragment & 0x1fff != 0 { return true }
    guard packet[9] == 1 else { return false }
    // Unreachable, source quench, redirect, time exceeded, parameter problem; or no type to see.
    return header >= packet.count || [3, 4, 5, 11, 12].contains(packet[header])
  }
}
