/// Builds one request datagram: `struct nlmsghdr`, a fixed body and attributes, in host byte order.
package struct NetlinkRequest {
  /// What to call the request in an error ("dump of IPv6 routes").
  package let name: String
  private var octets: [UInt8]

  package init(_ name: String, type: UInt16, flags: UInt16) {
    self.name = name
    octets = [0, 0, 0, 0]
    append(type)
    append(flags | NetlinkFlag.request)
    append(UInt32(0))  // sequence, set by `encoded`
    append(UInt32(0))  // port: the kernel fills in the socket's
  }

  package mutating func append(_ value: UInt8) { octets.append(value) }

  package mutating func append(_ value: UInt16) {
    octets.append(UInt8(truncatingIfNeeded: value))
    octets.append(UInt8(truncatingIfNeeded: value >> 8))
  }

  package mutating func append(_ value: UInt32) {
    append(UInt16(truncatingIfNeeded: value))
    append(UInt16(truncatingIfNeeded: value >> 16))
  }

  /// Appends one attribute and the padding behind it. Payloads here are addresses: far below the 65531 octets that fit.
  package mutating func append(attribute type: UInt16, _ payload: [UInt8]) {
    append(UInt16(payload.count + 4))
    append(type)
    octets += payload
    octets += [UInt8](repeating: 0, count: netlinkAligned(octets.count) - octets.count)
  }

  /// The datagram with its length and the given sequence number filled in.
  package func encoded(sequence: UInt32) -> [UInt8] {
    var result = octets
    for index in 0..<4 {
      result[index] = UInt8(truncatingIfNeeded: UInt32(octets.count) >> (8 * UInt32(index)))
      result[8 + index] = UInt8(truncatingIfNeeded: sequence >> (8 * UInt32(index)))
    }
    return result
  }
}
