import Glibc

// Text forms of addresses, prefixes and link-layer addresses. Parsing is glibc's inet_pton(3): dotted quads without
// leading zeros, IPv6 per RFC 4291 section 2.2, no zone. Printing is inet_ntop(3), whose output is RFC 5952's
// (shortest, lower case, the first of the longest zero runs shortened, a lone zero group never).

extension IPAddress: CustomStringConvertible {
  /// - Returns: nil unless the whole of `text` is one IPv4 or IPv6 address.
  public init?(text: String) {
    // A NUL inside would hide the rest of the text from the C function.
    guard !text.utf8.contains(0) else { return nil }
    if text.utf8.contains(UInt8(ascii: ":")) {
      var parsed = in6_addr()
      // inet_pton writes 16 octets for AF_INET6, the size of in6_addr.
      guard unsafe inet_pton(AF_INET6, text, &parsed) == 1 else { return nil }
      self = unsafe withUnsafeBytes(of: parsed) { octets in unsafe IPAddress(ipv6Octets: octets) }
    } else {
      var parsed = in_addr()
      // inet_pton writes 4 octets for AF_INET, the size of in_addr.
      guard unsafe inet_pton(AF_INET, text, &parsed) == 1 else { return nil }
      self.init(ipv4: UInt32(bigEndian: parsed.s_addr))
    }
  }

  /// RFC 5952 text, or a dotted quad.
  public var description: String {
    let octets = octets
    let width = Int(INET6_ADDRSTRLEN)
    return unsafe String(unsafeUninitializedCapacity: width) { text in
      unsafe text.initialize(repeating: 0)
      return unsafe text.withMemoryRebound(to: CChar.self) { characters in
        // The buffer holds INET6_ADDRSTRLEN characters, enough for either family, so inet_ntop cannot fail.
        unsafe inet_ntop(family == .ipv6 ? AF_INET6 : AF_INET, octets, characters.baseAddress!, socklen_t(width))
        return unsafe strlen(characters.baseAddress!)
      }
    }
  }
}

extension IPAddress {
  /// - Parameter octets: 16 octets in network order; another count is a programming error.
  public init(ipv6Octets octets: some Collection<UInt8>) {
    precondition(octets.count == 16, "an IPv6 address has 16 octets, not \(octets.count)")
    self.init(ipv6High: Self.number(octets.prefix(8)), low: Self.number(octets.dropFirst(8)))
  }

  /// - Parameter octets: 4 (IPv4) or 16 (IPv6) octets in network order.
  /// - Returns: nil for any other count.
  public init?(octets: some Collection<UInt8>) {
    switch octets.count {
    case 4: self.init(ipv4: UInt32(truncatingIfNeeded: Self.number(octets)))
    case 16: self.init(ipv6Octets: octets)
    default: return nil
    }
  }

  /// The address in network order: 4 octets for IPv4, 16 for IPv6.
  public var octets: [UInt8] {
    switch family {
    case .ipv4: (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * $0)) }
    case .ipv6: (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 % 8))) }
    }
  }

  private static func number(_ octets: some Collection<UInt8>) -> UInt64 {
    octets.reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension Prefix: CustomStringConvertible {
  /// "2001:db8::/32" or "203.0.113.0/24".
  ///
  /// - Returns: nil without a length, for a length out of range or not in plain decimal, or with a host bit set.
  public init?(text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(text: String(parts[0])) else { return nil }
    let digits = parts[1].utf8
    let isDecimal = digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    guard isDecimal, digits.count <= 3, digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let length = Int(parts[1])
    else { return nil }
    self.init(address: address, length: length)
  }

  public var description: String { "\(address)/\(length)" }
}

extension MACAddress: CustomStringConvertible {
  /// - Returns: nil unless `text` is six pairs of hexadecimal digits joined by colons.
  public init?(text: String) {
    let pairs = text.split(separator: ":", omittingEmptySubsequences: false)
    guard pairs.count == 6 else { return nil }
    var value: UInt64 = 0
    for pair in pairs {
      guard pair.utf8.count == 2, pair.allSatisfy(\.isHexDigit), let octet = UInt8(pair, radix: 16) else { return nil }
      value = value << 8 | UInt64(octet)
    }
    self.init(value)
  }

  /// The six octets in transmission order.
  public var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> UInt64(40 - 8 * $0)) } }

  /// "02:00:00:00:00:01".
  public var description: String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
