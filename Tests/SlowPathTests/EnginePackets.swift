import FlowTable

/// Packets of the reference topology, laid out by hand.
enum EnginePackets {
  static let anchor = "2001:db8:1::1"
  static let gateway = "2001:db8:a::1"
  static let mobileNode = "2001:db8:100:1::10"
  static let correspondent = "2001:db8:c::1"

  static func address(_ text: String) -> [UInt8] { IPAddress(text: text)?.octets ?? [] }

  static func ipv6(_ source: String, _ destination: String, next: UInt8, hops: UInt8 = 64, _ body: [UInt8]) -> [UInt8] {
    [0x60, 0, 0, 0, UInt8(body.count >> 8), UInt8(body.count & 255), next, hops] + address(source)
      + address(destination) + body
  }

  static func ipv4(_ source: String, _ destination: String, proto: UInt8, flags: UInt8, _ body: [UInt8]) -> [UInt8] {
    let total = 20 + body.count
    var header: [UInt8] = [0x45, 0, UInt8(total >> 8), UInt8(total & 255), 0, 7, flags, 0, 64, proto, 0, 0]
    header += address(source) + address(destination)
    let sum = foldedSum(header)
    (header[10], header[11]) = (UInt8(~sum >> 8), UInt8(~sum & 255))
    return header + body
  }

  static func fragment(of next: UInt8, offset: Int, more: Bool, identification: UInt8, _ data: [UInt8]) -> [UInt8] {
    [next, 0, UInt8(offset >> 8), UInt8(offset & 0xf8) | (more ? 1 : 0), 0, 0, 0, identification] + data
  }

  /// An ICMPv6 message with a right checksum.
  static func icmp(_ source: String, _ destination: String, type: UInt8, code: UInt8, parameter: Int, _ quoted: [UInt8])
    -> [UInt8]
  {
    var message: [UInt8] = [type, code, 0, 0, 0, 0, UInt8(parameter >> 8), UInt8(parameter & 255)] + quoted
    let pseudo =
      address(source) + address(destination) + [
        0, 0, UInt8(message.count >> 8), UInt8(message.count & 255), 0, 0, 0, 58,
      ]
    let sum = foldedSum(pseudo + message + (message.count % 2 == 0 ? [] : [0]))
    (message[2], message[3]) = (UInt8(~sum >> 8), UInt8(~sum & 255))
    return ipv6(source, destination, next: 58, message)
  }

  /// The ones' complement sum of RFC 1071, word by word.
  static func foldedSum(_ octets: [UInt8]) -> UInt16 {
    var sum = 0
    for position in stride(from: 0, to: octets.count, by: 2) {
      sum += Int(octets[position]) << 8 | (position + 1 < octets.count ? Int(octets[position + 1]) : 0)
      if sum > 0xffff { sum -= 0xffff }
    }
    return UInt16(sum)
  }
}
