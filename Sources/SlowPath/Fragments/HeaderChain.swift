/// Next Header values that matter to fragments (IANA, Assigned Internet Protocol Numbers).
enum HeaderNumber {
  static let hopByHop: UInt8 = 0
  static let ipv4: UInt8 = 4
  static let tcp: UInt8 = 6
  static let udp: UInt8 = 17
  static let ipv6: UInt8 = 41
  static let routing: UInt8 = 43
  static let fragment: UInt8 = 44
  static let gre: UInt8 = 47
  static let authentication: UInt8 = 51
  static let icmp: UInt8 = 58
  static let destinationOptions: UInt8 = 60
  static let mobility: UInt8 = 135
  static let hip: UInt8 = 139
  static let shim6: UInt8 = 140

  static func precedesFragment(_ number: UInt8) -> Bool {
    number == hopByHop || number == destinationOptions || number == routing
  }
}

/// Whether the headers behind a first fragment's Fragment header are all there, through the upper-layer header (RFC 7112
/// section 4). An inner IPv6 or IPv4 header is the upper-layer header of a tunnel packet and ends the chain (section 3).
enum HeaderChain: Equatable {
  case complete
  case incomplete
  /// A Fragment header inside of what was fragmented: legal words, but each would cost another pass, and no sender
  /// makes one.
  case anotherFragment

  init(_ packet: [UInt8], from first: UInt8, in data: Range<Int>) {
    var next = first
    var position = data.lowerBound
    // Every header takes eight octets at least, so the walk ends with the data.
    while true {
      if next == HeaderNumber.fragment {
        self = .anotherFragment
        return
      }
      guard let unit = Self.lengthUnit(next) else { break }
      guard position + 8 <= data.upperBound else {
        self = .incomplete
        return
      }
      next = packet[position]
      position += unit == 4 ? (Int(packet[position + 1]) + 2) * 4 : (Int(packet[position + 1]) + 1) * 8
    }
    let room = data.upperBound - position
    self = room >= Self.upperLength(next, packet, position, room) ? .complete : .incomplete
  }

  /// In what octets a header counts its length, or nil if it is no extension header.
  private static func lengthUnit(_ number: UInt8) -> Int? {
    switch number {
    case HeaderNumber.hopByHop, HeaderNumber.routing, HeaderNumber.destinationOptions, HeaderNumber.mobility,
      HeaderNumber.hip, HeaderNumber.shim6:
      8
    case HeaderNumber.authentication: 4
    default: nil
    }
  }

  /// Octets of the upper-layer header that must be there; nothing is asked of protocols that are not known here.
  private static func upperLength(_ number: UInt8, _ packet: [UInt8], _ position: Int, _ room: Int) -> Int {
    switch number {
    case HeaderNumber.ipv6: 40
    case HeaderNumber.ipv4: room > 0 ? max(20, Int(packet[position] & 0x0f) * 4) : 20
    case HeaderNumber.gre:
      // Checksum, key and sequence number add four octets each (RFC 2784 section 2.1, RFC 2890 section 2).
      room > 0 ? 4 + 4 * (packet[position] & 0xb0).nonzeroBitCount : 4
    case HeaderNumber.tcp: 20
    case HeaderNumber.udp: 8
    // RFC 7112 section 3: the first 32 bits.
    case HeaderNumber.icmp: 4
    default: 0
    }
  }
}
