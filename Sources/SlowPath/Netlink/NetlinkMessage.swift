/// One netlink message: its header's fields and what follows the 16 octets of `struct nlmsghdr`.
package struct NetlinkMessage {
  package static let headerOctets = 16

  package let type: UInt16
  package let flags: UInt16
  package let sequence: UInt32
  package let body: NetlinkOctets
}

/// Walks the messages of one datagram (`NLMSG_OK`/`NLMSG_NEXT`, with every length checked against the datagram).
///
/// Ends at the first header that is short or claims more than is there; `isMalformed` then says so.
package struct NetlinkMessages: Sequence, IteratorProtocol {
  private var rest: NetlinkOctets
  package private(set) var isMalformed = false

  package init(_ datagram: NetlinkOctets) { rest = datagram }

  package mutating func next() -> NetlinkMessage? {
    guard rest.count > 0, !isMalformed else { return nil }
    guard let length = rest.uint32(at: 0).map(Int.init), let type = rest.uint16(at: 4), let flags = rest.uint16(at: 6),
      let sequence = rest.uint32(at: 8), length >= NetlinkMessage.headerOctets,
      let body = rest.slice(at: NetlinkMessage.headerOctets, length: length - NetlinkMessage.headerOctets)
    else {
      isMalformed = true
      return nil
    }
    rest = rest.dropping(netlinkAligned(length)) ?? NetlinkOctets([])
    return NetlinkMessage(type: type, flags: flags, sequence: sequence, body: body)
  }
}

/// Walks the attributes (`struct rtattr`) of a message's tail or of a nested attribute, with the same checks.
struct NetlinkAttributes: Sequence, IteratorProtocol {
  private static let headerOctets = 4
  /// The two upper bits of a type are flags (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
  private static let typeMask: UInt16 = 0x3fff

  private var rest: NetlinkOctets

  init(_ octets: NetlinkOctets?) { rest = octets ?? NetlinkOctets([]) }

  mutating func next() -> (type: UInt16, payload: NetlinkOctets)? {
    guard let length = rest.uint16(at: 0).map(Int.init), let type = rest.uint16(at: 2),
      length >= Self.headerOctets,
      let payload = rest.slice(at: Self.headerOctets, length: length - Self.headerOctets)
    else { return nil }
    rest = rest.dropping(netlinkAligned(length)) ?? NetlinkOctets([])
    return (type & Self.typeMask, payload)
  }
}

/// Rounds up to the four octets that messages and attributes are aligned to. The argument is at most 2^32, so the sum
/// cannot overflow a 64-bit Int.
func netlinkAligned(_ length: Int) -> Int { (length + 3) & ~3 }
