import FlowTable

/// The checksum of RFC 1071, over octets of any number and parity.
struct InternetChecksum {
  private var sum: UInt64 = 0

  /// Adds octets; everything but the last call must add an even number of them.
  mutating func add(_ octets: some Sequence<UInt8>) {
    var isHigh = true
    for octet in octets {
      sum += isHigh ? UInt64(octet) << 8 : UInt64(octet)
      isHigh.toggle()
    }
  }

  /// The pseudo-header of RFC 8200 section 8.1.
  mutating func addPseudoHeader(source: IPAddress, destination: IPAddress, length: Int, next: UInt8) {
    add(source.octets)
    add(destination.octets)
    sum += UInt64(length >> 16) + UInt64(length & 0xffff) + UInt64(next)
  }

  /// The field's value; 0 over octets that hold a right checksum.
  var value: UInt16 {
    var folded = sum
    while folded > 0xffff { folded = folded & 0xffff + folded >> 16 }
    return ~UInt16(truncatingIfNeeded: folded)
  }
}
