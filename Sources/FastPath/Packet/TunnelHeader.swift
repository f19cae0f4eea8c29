import FlowTable

/// What enters a tunnel: where it is in the frame (an offset that may be below zero), and what the outer header takes
/// from it.
struct TunnelPayload: BitwiseCopyable {
  var offset: Int
  var length: Int
  var family: AddressFamily
  var trafficClass: UInt8

  @inline(__always)
  init(_ packet: PacketState) {
    offset = Int(packet.inner)
    length = Int(packet.innerLength)
    family = packet.family
    trafficClass = packet.trafficClass
  }
}

/// What a tunnel's entry puts in front of a packet (RFC 2473 section 5): an IPv6 header, and a destination options header
/// when the packet carries a tunnel encapsulation limit.
enum TunnelHeader {
  /// Octets of the destination options header: the option of section 4.1.1 and a PadN option.
  static let limitLength = 8

  /// Octets in front of the inner packet.
  @inline(__always)
  static func length(_ limit: EncapsulationLimit) -> Int {
    limit.isPresent ? IPv6Header.length + limitLength : IPv6Header.length
  }

  /// Writes the `length(limit)` octets at `offset`, directly in front of the inner packet, whose own header is final by
  /// now.
  @inline(__always)
  static func write(
    _ frame: FrameView, at offset: Int, payload inside: TunnelPayload, tunnel: TunnelEntry, limit: EncapsulationLimit,
    settings: borrowing HotSettings
  ) {
    let trafficClass = ExplicitCongestion.outerTrafficClass(inner: inside.trafficClass, tunnel: tunnel)
    let inner = inside.offset
    let isIPv6 = inside.family == .ipv6
    var label: UInt32 = 0
    if settings.labelsFlows {
      let length = inside.length
      label =
        isIPv6
        ? FlowLabel.ofIPv6(frame, inner, length: length, key: settings.flowLabelKey)
        : FlowLabel.ofIPv4(frame, inner, length: length, key: settings.flowLabelKey)
    }
    var next = isIPv6 ? IPv6Header.nextHeaderIPv6 : IPv6Header.nextHeaderIPv4
    var payload = UInt32(truncatingIfNeeded: inside.length)
    if limit.isPresent {
      // Next header, length 0 (8 octets), option 4 of length 1 with the limit, PadN of length 1 (section 4.1.1).
      frame.setWord32(offset + 40, UInt32(next) << 24 | 0x00_0401)
      frame.setWord32(offset + 44, UInt32(limit.value) << 24 | 0x01_0100)
      next = IPv6Header.nextHeaderDestinationOptions
      payload &+= UInt32(limitLength)
    }
    frame.setWord32(offset, 6 << 28 | UInt32(trafficClass) << 20 | label)
    frame.setWord32(offset + 4, payload << 16 | UInt32(next) << 8 | UInt32(tunnel.hopLimit))
    let (localHigh, localLow) = tunnel.localWords
    let (remoteHigh, remoteLow) = tunnel.remoteWords
    frame.setNative64(offset + 8, localHigh)
    frame.setNative64(offset + 16, localLow)
    frame.setNative64(offset + 24, remoteHigh)
    frame.setNative64(offset + 32, remoteLow)
  }
}
