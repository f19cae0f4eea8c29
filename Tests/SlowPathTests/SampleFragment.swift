/// One fragment of an outer packet, written out octet by octet as RFC 8200 section 4.5 draws it.
struct SampleFragment {
  static let ipv6: UInt8 = 41
  /// A header in front of the Fragment header: its number, and its octets with a first one that is filled in.
  typealias Header = (number: UInt8, octets: [UInt8])
  /// Destination options with a tunnel encapsulation limit of 4 (RFC 2473 section 5.1).
  static let encapsulationLimit: Header = (60, [0, 0, 4, 1, 4, 1, 1, 0])
  static let hopByHop: Header = (0, [0, 0, 1, 4, 0, 0, 0, 0])
  static let routing: Header = (43, [0, 2, 4, 0] + [UInt8](repeating: 0, count: 20))

  /// Last octets of the addresses 2001:db8::SOURCE and 2001:db8::DESTINATION.
  var source: UInt8 = 1
  var destination: UInt8 = 2
  var identification: UInt32 = 0xc0de_0001
  var offset = 0
  var more = false
  var nextHeader = ipv6
  var headers: [Header] = []
  var congestion: UInt8 = 0
  var hopLimit: UInt8 = 64
  var data: [UInt8] = []

  var octets: [UInt8] {
    var body: [UInt8] = []
    for (index, header) in headers.enumerated() {
      let next = index + 1 < headers.count ? headers[index + 1].number : 44
      body += [next] + header.octets.dropFirst()
    }
    let word = UInt16(offset) | (more ? 1 : 0)
    body += [nextHeader, 0, UInt8(word >> 8), UInt8(word & 0xff)]
    body += [24, 16, 8, 0].map { UInt8(identification >> $0 & 0xff) }
    return header(next: headers.first?.number ?? 44, length: body.count + data.count) + body + data
  }

  /// The packet that fragments with these headers make when `whole` is all of their data.
  func packet(_ whole: [UInt8], congestion: UInt8? = nil) -> [UInt8] {
    var body: [UInt8] = []
    for (index, header) in headers.enumerated() {
      body += [index + 1 < headers.count ? headers[index + 1].number : nextHeader] + header.octets.dropFirst()
    }
    var copy = self
    copy.congestion = congestion ?? self.congestion
    return copy.header(next: headers.first?.number ?? nextHeader, length: body.count + whole.count) + body + whole
  }

  private func header(next: UInt8, length: Int) -> [UInt8] {
    let prefix: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11)
    // Version 6, traffic class 0x84 with the ECN bits, flow label 0x12345.
    return [0x68, 0x40 | congestion << 4 | 0x01, 0x23, 0x45, UInt8(length >> 8), UInt8(length & 0xff), next, hopLimit]
      + prefix + [source] + prefix + [destination]
  }
}

/// An inner IPv6 packet of `length` octets, 40 or more; a different one for each `salt`.
func sampleInnerPacket(_ length: Int, salt: Int = 0) -> [UInt8] {
  let payload = length - 40
  return [0x60, 0, 0, 0, UInt8(payload >> 8 & 0xff), UInt8(payload & 0xff), 59, 63]
    + (8..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ salt &* 31) }
}
