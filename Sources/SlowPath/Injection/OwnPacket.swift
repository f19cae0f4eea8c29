import FlowTable

/// A packet of this host's own for a mobile node, as its kernel sends it.
package struct OwnPacket: Hashable {
  /// From the IP header on, with the one hop more that `OriginatedPacket.Continuation.originated` asks for: the node that
  /// makes a packet takes none off it (RFC 2473 section 3.1). A hop limit of 255 has no room for that and leaves as 254.
  package let octets: [UInt8]

  /// Nil for what was not sent to an address of these pools (the kernel's multicast on every interface, say), or claims to
  /// come from one that is not this host's: mobile nodes' packets come by their tunnels, and no others may bear their
  /// addresses, even where the kernel forwards.
  package init?(_ packet: [UInt8], pools: [Prefix], localAddresses: Set<IPAddress>) {
    guard let first = packet.first else { return nil }
    let (source, destination): (IPAddress, IPAddress)
    var raised = packet
    switch first >> 4 {
    case 6:
      guard packet.count >= 40 else { return nil }
      (source, destination) = (OuterHeader.address(packet, at: 8), OuterHeader.address(packet, at: 24))
      raised[7] = Self.raised(packet[7])
    case 4:
      let header = Int(first & 15) * 4
      guard header >= 20, packet.count >= header else { return nil }
      source = IPAddress(ipv4: OuterHeader.number(packet, at: 12, octets: 4))
      destination = IPAddress(ipv4: OuterHeader.number(packet, at: 16, octets: 4))
      raised[8] = Self.raised(packet[8])
      (raised[10], raised[11]) = (0, 0)
      var checksum = InternetChecksum()
      checksum.add(raised[..<header])
      raised[10] = UInt8(truncatingIfNeeded: checksum.value >> 8)
      raised[11] = UInt8(truncatingIfNeeded: checksum.value)
    default: return nil
    }
    guard pools.contains(where: { $0.contains(destination) }),
      localAddresses.contains(source) || !pools.contains(where: { $0.contains(source) })
    else { return nil }
    octets = raised
  }

  private static func raised(_ hops: UInt8) -> UInt8 { hops == .max ? hops : hops + 1 }
}
