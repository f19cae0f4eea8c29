import FlowTable

/// A frame's link-layer header and up to two VLAN tags; nil when the frame ends within them.
struct SteeredPacket {
  static let ipv4: UInt16 = 0x0800
  static let arp: UInt16 = 0x0806
  static let ipv6: UInt16 = 0x86dd
  /// IEEE 802.1Q customer tag and 802.1ad service tag.
  private static let tags: [UInt16] = [0x8100, 0x88a8]

  let destination: MACAddress
  let source: MACAddress
  /// Behind the tags; a third tag shows here as its EtherType.
  let etherType: UInt16
  /// Offset of the first octet behind the link-layer header.
  let payload: Int

  init?(_ frame: Span<UInt8>) {
    guard let destination = frame.number(at: 0, octets: 6), let source = frame.number(at: 6, octets: 6),
      var type = frame.number(at: 12, octets: 2)
    else { return nil }
    var offset = 14
    for _ in 0..<2 where Self.tags.contains(UInt16(type)) {
      guard let behind = frame.number(at: offset + 2, octets: 2) else { return nil }
      type = behind
      offset += 4
    }
    self.destination = MACAddress(destination)
    self.source = MACAddress(source)
    etherType = UInt16(type)
    payload = offset
  }
}

/// The fixed IPv6 header; nil when the frame ends within it or the version is another.
struct SteeredIPv6 {
  static let hopByHop: UInt8 = 0
  static let ipv4: UInt8 = 4
  static let ipv6: UInt8 = 41
  static let routing: UInt8 = 43
  static let fragment: UInt8 = 44
  static let icmp: UInt8 = 58
  static let destinationOptions: UInt8 = 60

  let nextHeader: UInt8
  let source: IPAddress
  let destination: IPAddress
  /// Offset of the first octet behind the 40.
  let payload: Int

  init?(_ frame: Span<UInt8>, at start: Int) {
    guard start + 40 <= frame.count, frame[start] >> 4 == 6,
      let source = frame.ipv6Address(at: start + 8), let destination = frame.ipv6Address(at: start + 24)
    else { return nil }
    nextHeader = frame[start + 6]
    self.source = source
    self.destination = destination
    payload = start + 40
  }
}

extension Span<UInt8> {
  /// A big-endian number of up to 8 octets; nil when one of them is past the end.
  func number(at offset: Int, octets: Int) -> UInt64? {
    guard offset + octets <= count else { return nil }
    return (offset..<offset + octets).reduce(0) { $0 << 8 | UInt64(self[$1]) }
  }

  fileprivate func ipv6Address(at offset: Int) -> IPAddress? {
    guard let high = number(at: offset, octets: 8), let low = number(at: offset + 8, octets: 8) else { return nil }
    return IPAddress(ipv6High: high, low: low)
  }

  /// The next header behind the options or routing header at `offset`, and where it starts; nil when it runs past the
  /// end (RFC 8200 section 4.2: length in 8 octets, the first 8 not counted).
  func optionsHeader(at offset: Int) -> (next: UInt8, position: Int)? {
    guard offset + 2 <= count else { return nil }
    let behind = offset + (Int(self[offset + 1]) + 1) * 8
    return behind <= count ? (self[offset], behind) : nil
  }
}
