import FlowTable

/// One error message by what it says: type, code, and the 32 bits behind the checksum.
struct ICMPError: Hashable {
  let type: UInt8
  let code: UInt8
  /// MTU, pointer, or unused.
  let parameter: UInt32

  init(_ type: UInt8, _ code: UInt8, parameter: UInt32 = 0) {
    self.type = type
    self.code = code
    self.parameter = parameter
  }

  /// RFC 4443 section 2.4 (c): no longer than IPv6's least MTU.
  private static let longestIPv6 = 1280
  /// RFC 1812 section 4.3.2.3.
  private static let longestIPv4 = 576
  /// Hop limit of what a router sends, and the hop that its own turn takes off it.
  private static let hops: UInt8 = 64 + 1
  /// RFC 1812 section 4.3.2.5: errors have precedence 6.
  private static let internetworkControl: UInt8 = 0xc0

  /// The message as a packet from its IP header on, with as much of the packet it is about as fits.
  func packet(about quoted: ArraySlice<UInt8>, from source: IPAddress, to destination: IPAddress) -> [UInt8] {
    source.family == .ipv6
      ? packetIPv6(about: quoted, from: source, to: destination)
      : packetIPv4(about: quoted, from: source, to: destination)
  }

  private func packetIPv6(
    about quoted: ArraySlice<UInt8>, from source: IPAddress, to destination: IPAddress
  ) -> [UInt8] {
    var message = message(quoting: quoted.prefix(Self.longestIPv6 - 40 - 8))
    var checksum = InternetChecksum()
    checksum.addPseudoHeader(
      source: source, destination: destination, length: message.count, next: HeaderNumber.icmp)
    checksum.add(message)
    Self.set(checksum.value, in: &message, at: 2)
    let length = message.count
    let header: [UInt8] = [
      0x60, 0, 0, 0, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length), HeaderNumber.icmp,
      Self.hops,
    ]
    return header + source.octets + destination.octets + message
  }

  private func packetIPv4(
    about quoted: ArraySlice<UInt8>, from source: IPAddress, to destination: IPAddress
  ) -> [UInt8] {
    var message = message(quoting: quoted.prefix(Self.longestIPv4 - 20 - 8))
    var checksum = InternetChecksum()
    checksum.add(message)
    Self.set(checksum.value, in: &message, at: 2)
    let total = 20 + message.count
    // Identification 0 with DF: what is never fragmented needs none (RFC 6864 section 4.1).
    var header: [UInt8] = [
      0x45, Self.internetworkControl, UInt8(truncatingIfNeeded: total >> 8), UInt8(truncatingIfNeeded: total), 0, 0,
      0x40, 0, Self.hops, 1, 0, 0,
    ]
    header += source.octets + destination.octets
    checksum = InternetChecksum()
    checksum.add(header)
    Self.set(checksum.value, in: &header, at: 10)
    return header + message
  }

  private func message(quoting quoted: ArraySlice<UInt8>) -> [UInt8] {
    [type, code, 0, 0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: parameter >> $0) } + quoted
  }

  private static func set(_ value: UInt16, in octets: inout [UInt8], at offset: Int) {
    octets[offset] = UInt8(truncatingIfNeeded: value >> 8)
    octets[offset + 1] = UInt8(truncatingIfNeeded: value)
  }
}
