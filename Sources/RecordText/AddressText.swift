import ControlProtocol

// Addresses and prefixes from octets, by the very rules of inet_pton(3) (RFC 4291 section 2.2, no zone; dotted quads
// without leading zeros), with which the tests compare it. A load of a million records reads three million addresses: a
// String for each of them and the C function took a third of its time.

extension WireAddress {
  /// Nil unless the whole of `text` is one IPv4 or IPv6 address.
  package init?(_ text: Span<UInt8>) {
    for position in text.indices where text[position] == UInt8(ascii: ":") {
      guard let address = Self.ipv6(text) else { return nil }
      self = address
      return
    }
    guard let value = Self.ipv4(text) else { return nil }
    self.init(ipv4: value)
  }

  private static func ipv4(_ text: Span<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    var octet: UInt32 = 0
    var digits = 0
    var dots = 0
    for position in text.indices {
      switch text[position] {
      case let character where (0x30...0x39).contains(character):
        guard digits == 0 || octet != 0 else { return nil }
        octet = octet * 10 + UInt32(character & 0xf)
        guard octet <= 255 else { return nil }
        digits += 1
      case UInt8(ascii: "."):
        guard digits > 0, dots < 3 else { return nil }
        value = value << 8 | octet
        (octet, digits) = (0, 0)
        dots += 1
      default: return nil
      }
    }
    return dots == 3 && digits > 0 ? value << 8 | octet : nil
  }

  private static func ipv6(_ text: Span<UInt8>) -> WireAddress? {
    guard let first = text.isEmpty ? nil : text[0] else { return nil }
    var position = 0
    if first == UInt8(ascii: ":") {
      guard text.count > 1, text[1] == UInt8(ascii: ":") else { return nil }
      position = 1
    }
    var groups = AddressGroups()
    var digits = 0
    var group: UInt32 = 0
    var groupStart = position
    while position < text.count {
      let character = text[position]
      position += 1
      if let digit = hexadecimal(character) {
        guard digits < 4 else { return nil }
        group = group << 4 | digit
        digits += 1
      } else if character == UInt8(ascii: ":") {
        groupStart = position
        if digits == 0 {
          guard groups.setGap() else { return nil }
        } else {
          guard position < text.count, groups.append(group) else { return nil }
          (group, digits) = (0, 0)
        }
      } else {
        // The last 32 bits may be a dotted quad.
        guard character == UInt8(ascii: "."), let quad = ipv4(text.extracting(groupStart..<text.count)),
          groups.append(quad >> 16), groups.append(quad & 0xffff)
        else { return nil }
        return groups.address
      }
    }
    guard digits == 0 || groups.append(group) else { return nil }
    return groups.address
  }

  private static func hexadecimal(_ character: UInt8) -> UInt32? {
    switch character {
    case 0x30...0x39: UInt32(character - 0x30)
    case 0x61...0x66: UInt32(character - 0x61 + 10)
    case 0x41...0x46: UInt32(character - 0x41 + 10)
    default: nil
    }
  }
}

/// The 16-bit groups of an IPv6 address as they are read.
private struct AddressGroups {
  private var value: UInt128 = 0
  private var count = 0
  /// Groups before `::`.
  private var gap: Int?

  mutating func append(_ group: UInt32) -> Bool {
    guard count < 8 else { return false }
    value = value << 16 | UInt128(group)
    count += 1
    return true
  }

  mutating func setGap() -> Bool {
    guard gap == nil else { return false }
    gap = count
    return true
  }

  /// `::` stands for at least one group.
  var address: WireAddress? {
    var whole = value
    if let gap {
      guard count < 8 else { return nil }
      let behind = 16 * (count - gap)
      let tail = value & ((1 << UInt128(behind)) - 1)
      whole = (value >> UInt128(behind)) << UInt128(128 - 16 * gap) | tail
    } else {
      guard count == 8 else { return nil }
    }
    return WireAddress(ipv6High: UInt64(truncatingIfNeeded: whole >> 64), low: UInt64(truncatingIfNeeded: whole))
  }
}

extension WirePrefix {
  /// Nil unless the whole of `text` is an address, a slash and a length in plain decimal, without host bits.
  package init?(_ text: Span<UInt8>) {
    var slash = 0
    while slash < text.count, text[slash] != UInt8(ascii: "/") { slash += 1 }
    let digits = slash + 1..<max(slash + 1, text.count)
    guard (1...3).contains(digits.count), digits.count == 1 || text[slash + 1] != UInt8(ascii: "0") else { return nil }
    var length = 0
    for position in digits {
      guard (0x30...0x39).contains(text[position]) else { return nil }
      length = length * 10 + Int(text[position] & 0xf)
    }
    guard let address = WireAddress(text.extracting(0..<slash)) else { return nil }
    self.init(address: address, length: length)
  }
}
