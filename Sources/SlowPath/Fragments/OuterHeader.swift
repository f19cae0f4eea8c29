import FastPath
import FlowTable

/// The IPv6 header at the start of an array of octets.
enum OuterHeader {
  static let length = 40

  /// Where the packet ends by its Payload Length; what an Ethernet frame's padding adds behind it does not count.
  static func end(_ packet: [UInt8]) throws(FragmentRefusal) -> Int {
    guard packet.count >= length else { throw FragmentRefusal(reason: .truncated) }
    guard packet[0] >> 4 == 6 else { throw FragmentRefusal(reason: .malformed) }
    let end = length + Int(packet[4]) << 8 + Int(packet[5])
    guard end <= packet.count else { throw FragmentRefusal(reason: .truncated) }
    return end
  }

  /// Precondition: `length` octets are there, which `end` has established.
  static func address(_ packet: [UInt8], at offset: Int) -> IPAddress {
    IPAddress(ipv6High: number(packet, at: offset, octets: 8), low: number(packet, at: offset + 8, octets: 8))
  }

  /// A number in network order. Precondition: the octets are there.
  static func number<Number: FixedWidthInteger>(_ packet: [UInt8], at offset: Int, octets: Int) -> Number {
    packet[offset..<offset + octets].reduce(0) { $0 << 8 | Number($1) }
  }

  /// Precondition: `value` is at most 65535, which every caller has checked before it built the packet.
  static func setPayloadLength(_ packet: inout [UInt8], _ value: Int) {
    packet[4] = UInt8(truncatingIfNeeded: value >> 8)
    packet[5] = UInt8(truncatingIfNeeded: value)
  }
}
