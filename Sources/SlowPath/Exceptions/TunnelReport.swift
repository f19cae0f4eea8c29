import FlowTable

/// An ICMPv6 error from inside a tunnel about a packet that we sent into it, valid in everything that can be checked
/// (RFC 2473 section 8, RFC 8201 section 4).
struct TunnelReport {
  /// What it says about the way.
  enum Finding: Equatable {
    /// The far end cannot be reached (RFC 2473 section 8.1: hop limit, unreachable, and a used-up limit).
    case unreachable
    /// The path takes packets of this many octets.
    case tooBig(mtu: UInt32)
    /// Nothing that concerns the source of the packet inside.
    case other
  }

  let finding: Finding
  let endpoints: TunnelEndpoints
  /// Octets of the tunnel headers in front of the original packet, a Fragment header not counted.
  let overhead: Int
  /// The packet that had entered the tunnel, as far as it is quoted.
  let original: ArraySlice<UInt8>

  /// - Parameters:
  ///   - octets: from the IPv6 header on.
  ///   - local: our addresses.
  init?(_ octets: [UInt8], local: Set<IPAddress>) {
    guard let end = try? OuterHeader.end(octets), let icmp = Self.message(octets, end: end) else { return nil }
    let destination = OuterHeader.address(octets, at: 24)
    guard local.contains(destination), Self.isChecksumRight(octets, icmp, end) else { return nil }
    let quoted = icmp + 8
    guard (1...4).contains(octets[icmp]), quoted + 40 <= end, octets[quoted] >> 4 == 6 else { return nil }
    endpoints = TunnelEndpoints(
      local: OuterHeader.address(octets, at: quoted + 8), remote: OuterHeader.address(octets, at: quoted + 24))
    // An error goes to the source of what it is about (RFC 4443 section 2.2), so both are the same end of ours.
    guard endpoints.local == destination, let headers = Self.headers(octets, at: quoted, end: end) else { return nil }
    overhead = headers.overhead
    original = octets[headers.inner..<end]
    let parameter: UInt32 = OuterHeader.number(octets, at: icmp + 4, octets: 4)
    switch (octets[icmp], octets[icmp + 1]) {
    case (1, _), (3, 0): finding = .unreachable
    case (2, _): finding = .tooBig(mtu: parameter)
    // RFC 2473 section 8.2: the pointer to a limit of zero. (Section 8.1 speaks of one, but a node inside complains of
    // zero only, by section 4.1.1 (b).)
    case (4, 0) where headers.limit.map { Int(parameter) == $0 - quoted && octets[$0] == 0 } == true:
      finding = .unreachable
    default: finding = .other
    }
  }

  /// Octets of the original packet by its own length field, of which only the start may be quoted.
  var originalLength: Int {
    let packet = Array(original.prefix(40))
    return packet[0] >> 4 == 6
      ? 40 + OuterHeader.number(packet, at: 4, octets: 2) : OuterHeader.number(packet, at: 2, octets: 2)
  }

  /// Whether the original is an IPv4 packet that no router may cut.
  var forbidsFragments: Bool { original[original.startIndex + 6] & 0x40 != 0 }

  /// Where the ICMPv6 message starts.
  private static func message(_ octets: [UInt8], end: Int) -> Int? {
    var next = octets[6]
    var position = 40
    while next == HeaderNumber.hopByHop || next == HeaderNumber.destinationOptions {
      guard position + 8 <= end else { return nil }
      next = octets[position]
      position += (Int(octets[position + 1]) + 1) * 8
    }
    return next == HeaderNumber.icmp && position + 8 <= end ? position : nil
  }

  private static func isChecksumRight(_ octets: [UInt8], _ icmp: Int, _ end: Int) -> Bool {
    var checksum = InternetChecksum()
    checksum.addPseudoHeader(
      source: OuterHeader.address(octets, at: 8), destination: OuterHeader.address(octets, at: 24),
      length: end - icmp, next: HeaderNumber.icmp)
    checksum.add(octets[icmp..<end])
    return checksum.value == 0
  }

  /// Walks our own headers: options with the encapsulation limit, and a Fragment header on either side of them. The
  /// header of the original must be there in full.
  private static func headers(
    _ octets: [UInt8], at quoted: Int, end: Int
  ) -> (inner: Int, overhead: Int, limit: Int?)? {
    var next = octets[quoted + 6]
    var position = quoted + 40
    var fragments = 0
    var limit: Int?
    while next == HeaderNumber.destinationOptions || next == HeaderNumber.fragment {
      guard position + 8 <= end else { return nil }
      if next == HeaderNumber.fragment {
        // Behind a later fragment's header are octets of nobody knows what.
        guard fragments == 0, octets[position + 2] == 0, octets[position + 3] & 0xf8 == 0 else { return nil }
        fragments = 8
        next = octets[position]
        position += 8
      } else {
        let behind = position + (Int(octets[position + 1]) + 1) * 8
        guard behind <= end else { return nil }
        limit = limit ?? Self.limit(octets, from: position + 2, to: behind)
        next = octets[position]
        position = behind
      }
    }
    let isComplete =
      switch next {
      case HeaderNumber.ipv6: position + 40 <= end && octets[position] >> 4 == 6
      case HeaderNumber.ipv4: position + 20 <= end && octets[position] >> 4 == 4
      default: false
      }
    return isComplete ? (position, position - quoted - fragments, limit) : nil
  }

  /// Where the value of a tunnel encapsulation limit option lies (RFC 2473 section 5.1: type 4, length 1).
  private static func limit(_ octets: [UInt8], from start: Int, to end: Int) -> Int? {
    var position = start
    while position < end {
      if octets[position] == 0 {
        position += 1
        continue
      }
      guard position + 2 <= end else { return nil }
      let length = Int(octets[position + 1])
      if octets[position] == 4 && length == 1 && position + 3 <= end { return position + 2 }
      position += 2 + length
    }
    return nil
  }
}
