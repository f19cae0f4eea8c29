import FastPath
import FlowTable

/// Why a fragment is refused on its own, whatever else has come of its packet.
struct FragmentRefusal: Error {
  let reason: DropReason
  var answer: FragmentProblem?
}

/// Where everything is in one fragment of an outer packet; made only from octets that have been checked.
struct OuterFragment {
  /// Headers in front of the Fragment header that are stepped over; a longer chain is not a tunnel's.
  static let maximumHeaders = 8
  static let headerLength = 8

  let key: FragmentKey
  /// Where the octet lies whose value 44 announces the Fragment header.
  let announcement: Int
  /// Where the Fragment header starts.
  let header: Int
  /// What follows the Fragment header in the packet as it was before fragmentation.
  let nextHeader: UInt8
  /// Octets of the fragmentable part in front of this fragment's; a multiple of eight.
  let offset: Int
  /// Whether more fragments follow.
  let more: Bool
  /// Where the fragment's share of the fragmentable part lies.
  let data: Range<Int>
  /// The ECN code point of its IPv6 header.
  let congestion: UInt8

  /// Whole packets with a Fragment header are processed alone, whatever shares their identification (RFC 6946).
  var isAtomic: Bool { offset == 0 && !more }
  /// Where it ends in the fragmentable part.
  var end: Int { offset + data.count }
  /// Octets between the IPv6 header and the Fragment header: they stay part of the reassembled packet's payload.
  var extensions: Int { header - OuterHeader.length }

  init(_ packet: [UInt8]) throws(FragmentRefusal) {
    let end = try OuterHeader.end(packet)
    var next = packet[6]
    var announcement = 6
    var position = OuterHeader.length
    var walked = 0
    while next != HeaderNumber.fragment {
      // Hop-by-hop, destination options and routing headers are all that may stand there (RFC 8200 section 4.1).
      guard walked < Self.maximumHeaders, HeaderNumber.precedesFragment(next), position + 8 <= end else {
        throw FragmentRefusal(reason: .malformed)
      }
      announcement = position
      next = packet[position]
      position += (Int(packet[position + 1]) + 1) * 8
      walked += 1
    }
    guard position + Self.headerLength <= end else { throw FragmentRefusal(reason: .malformed) }
    let word = UInt16(packet[position + 2]) << 8 | UInt16(packet[position + 3])
    self.key = FragmentKey(
      source: OuterHeader.address(packet, at: 8), destination: OuterHeader.address(packet, at: 24),
      identification: OuterHeader.number(packet, at: position + 4, octets: 4))
    self.announcement = announcement
    self.header = position
    self.nextHeader = packet[position]
    self.offset = Int(word & 0xfff8)
    self.more = word & 1 == 1
    self.data = position + Self.headerLength..<end
    self.congestion = packet[1] >> 4 & 3
    try check(packet)
  }

  /// The rules of RFC 8200 section 4.5 that one fragment can break alone, in the order they stand there.
  private func check(_ packet: [UInt8]) throws(FragmentRefusal) {
    if isAtomic {
      guard HeaderChain(packet, from: nextHeader, in: data) != .anotherFragment else {
        throw FragmentRefusal(reason: .malformed)
      }
      return
    }
    if more && data.count % 8 != 0 { throw FragmentRefusal(reason: .malformed, answer: .length) }
    if extensions + end > Int(UInt16.max) {
      throw FragmentRefusal(reason: .reassembledTooBig, answer: .offset(fragmentHeader: header))
    }
    // It adds nothing, and would make "the octets are all there" true at two different times.
    if data.isEmpty { throw FragmentRefusal(reason: .malformed) }
    guard offset == 0 else { return }
    switch HeaderChain(packet, from: nextHeader, in: data) {
    case .complete: return
    case .incomplete: throw FragmentRefusal(reason: .malformed, answer: .headerChain)
    case .anotherFragment: throw FragmentRefusal(reason: .malformed)
    }
  }

  /// An atomic fragment's packet without its Fragment header.
  func wholePacket(_ packet: [UInt8]) -> [UInt8] {
    var whole: [UInt8] = []
    whole.reserveCapacity(data.upperBound - Self.headerLength)
    whole += packet[..<header]
    whole += packet[data]
    whole[announcement] = nextHeader
    OuterHeader.setPayloadLength(&whole, extensions + data.count)
    return whole
  }
}

/// What tells one packet's fragments from all others (RFC 8200 section 4.5).
struct FragmentKey: Hashable, Sendable {
  let source: IPAddress
  let destination: IPAddress
  let identification: UInt32
}
