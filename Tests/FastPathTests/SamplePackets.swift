/// Packets assembled octet by octet from the header layouts of RFC 8200 and RFC 791, without any code under test.
enum SamplePackets {
  static let coreMAC: [UInt8] = [0x02, 0, 0, 0, 0x01, 0x01]
  static let transportMAC: [UInt8] = [0x02, 0, 0, 0, 0x01, 0x02]
  static let peerMAC: [UInt8] = [0x02, 0, 0, 0, 0x0c, 0x01]

  static func ethernet(to destination: [UInt8], from source: [UInt8], type: UInt16, _ payload: [UInt8]) -> [UInt8] {
    destination + source + [UInt8(type >> 8), UInt8(type & 0xff)] + payload
  }

  static func ipv6(
    source: [UInt8], destination: [UInt8], next: UInt8, hopLimit: UInt8 = 64, trafficClass: UInt8 = 0,
    label: UInt32 = 0,
    _ payload: [UInt8]
  ) -> [UInt8] {
    let first = UInt32(6) << 28 | UInt32(trafficClass) << 20 | label
    return [UInt8(first >> 24), UInt8(first >> 16 & 0xff), UInt8(first >> 8 & 0xff), UInt8(first & 0xff)]
      + [UInt8(payload.count >> 8), UInt8(payload.count & 0xff), next, hopLimit] + source + destination + payload
  }

  static func ipv4(
    source: [UInt8], destination: [UInt8], proto: UInt8, timeToLive: UInt8 = 64, service: UInt8 = 0,
    identification: UInt16 = 0, flags: UInt16 = 0, _ payload: [UInt8]
  ) -> [UInt8] {
    let total = 20 + payload.count
    var header: [UInt8] = [0x45, service, UInt8(total >> 8), UInt8(total & 0xff)]
    header += [UInt8(identification >> 8), UInt8(identification & 0xff), UInt8(flags >> 8), UInt8(flags & 0xff)]
    header += [timeToLive, proto, 0, 0] + source + destination
    let sum = ~onesComplementSum(header)
    header[10] = UInt8(sum >> 8)
    header[11] = UInt8(sum & 0xff)
    return header + payload
  }

  static func udp(from source: UInt16, to destination: UInt16, _ payload: [UInt8]) -> [UInt8] {
    let length = 8 + payload.count
    return [source, destination, UInt16(length), 0xbeef].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } + payload
  }

  /// RFC 1071, in its plain form: the oracle for incremental updates.
  static func onesComplementSum(_ octets: [UInt8]) -> UInt16 {
    var sum = 0
    for index in stride(from: 0, to: octets.count, by: 2) {
      sum += Int(octets[index]) << 8 | (index + 1 < octets.count ? Int(octets[index + 1]) : 0)
    }
    while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
    return UInt16(sum)
  }

  /// Sixteen octets from text groups, e.g. `address(0x2001, 0xdb8, …)`.
  static func address(_ groups: [UInt16]) -> [UInt8] { groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] } }

  static let correspondent = address([0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 1])
  static let mobileNode1 = address([0x2001, 0xdb8, 0x100, 1, 0, 0, 0, 0x10])
  static let mobileNode2 = address([0x2001, 0xdb8, 0x100, 2, 0, 0, 0, 0x20])
  static let anchor = address([0x2001, 0xdb8, 1, 0, 0, 0, 0, 1])
  static let gateway1 = address([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1])
  static let gateway2 = address([0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 1])
  static let correspondent4: [UInt8] = [198, 51, 100, 1]
  static let mobileNode1v4: [UInt8] = [203, 0, 113, 10]
}
