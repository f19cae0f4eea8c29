import FlowTable

/// Cuts an outer packet into fragments at the tunnel's entry (RFC 2473 section 7, RFC 8200 section 4.5).
///
/// In front of the Fragment header stay the IPv6 header and what routers on the way read: everything through the Routing
/// header, or the hop-by-hop options where there is none. Destination options with the encapsulation limit follow the
/// Fragment header. The IPv6 header, with it traffic class, flow label and hop limit, is the same in all fragments.
public struct OuterFragmenter: Sendable {
  private var identifications: FragmentIdentifications

  public init(secret: FragmentSecret) { identifications = FragmentIdentifications(secret: secret) }

  /// - Parameters:
  ///   - packet: the octets from the outer IPv6 header on; what is behind its Payload Length is left out.
  ///   - mtu: octets of the largest fragment, IPv6 header included.
  /// - Returns: the packet alone if it needs no cutting; fragments in order otherwise; nothing if it is no IPv6 packet, has
  ///   a Fragment header already, or `mtu` leaves no room for eight octets of it.
  public mutating func fragments(of packet: [UInt8], mtu: Int) -> [[UInt8]] {
    guard let end = try? OuterHeader.end(packet) else { return [] }
    if end <= mtu { return [Array(packet[..<end])] }
    guard mtu > 0, let cut = Cut(packet, end: end) else { return [] }
    let room = mtu - cut.position - OuterFragment.headerLength
    guard room >= 8 else { return [] }
    let identification = identifications.next(
      source: OuterHeader.address(packet, at: 8), destination: OuterHeader.address(packet, at: 24))
    var fragments: [[UInt8]] = []
    var next = cut.position
    while next < end {
      // All but the last end on a multiple of eight octets.
      let length = end - next <= room ? end - next : room & ~7
      fragments.append(
        cut.fragment(of: packet, next..<next + length, more: next + length < end, identification: identification))
      next += length
    }
    return fragments
  }

  /// Where the Fragment header goes.
  private struct Cut {
    /// The octet that gets the value 44.
    var announcement = 6
    /// The first octet of the fragmentable part.
    var position = OuterHeader.length

    /// nil if the chain is not one that may be cut.
    init?(_ packet: [UInt8], end: Int) {
      var next = packet[6]
      var before = 6
      var reached = OuterHeader.length
      var walked = 0
      while HeaderNumber.precedesFragment(next) {
        guard walked < OuterFragment.maximumHeaders, reached + 8 <= end else { return nil }
        let behind = reached + (Int(packet[reached + 1]) + 1) * 8
        guard behind <= end else { return nil }
        let stays = next == HeaderNumber.routing || (next == HeaderNumber.hopByHop && reached == OuterHeader.length)
        next = packet[reached]
        before = reached
        reached = behind
        walked += 1
        if stays { (announcement, position) = (before, reached) }
      }
      if next == HeaderNumber.fragment { return nil }
    }

    func fragment(of packet: [UInt8], _ data: Range<Int>, more: Bool, identification: UInt32) -> [UInt8] {
      let offset = data.lowerBound - position
      var fragment: [UInt8] = []
      fragment.reserveCapacity(position + OuterFragment.headerLength + data.count)
      fragment += packet[..<position]
      fragment[announcement] = HeaderNumber.fragment
      // The offset is a multiple of eight below 65536: its field and the M flag share a 16-bit word.
      fragment += [packet[announcement], 0, UInt8(truncatingIfNeeded: offset >> 8)]
      fragment.append(UInt8(truncatingIfNeeded: offset) | (more ? 1 : 0))
      fragment += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: identification >> $0) }
      fragment += packet[data]
      OuterHeader.setPayloadLength(&fragment, fragment.count - OuterHeader.length)
      return fragment
    }
  }
}
