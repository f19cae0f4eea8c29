import FlowTable

/// The outer IPv6 header of RFC 2473 section 5.
enum TunnelHeader {
  /// Writes the 40 octets at `offset`, directly in front of the inner packet, whose own header is final by now.
  @inline(__always)
  static func write(
    _ frame: FrameView, at offset: Int, packet: PacketState, tunnel: TunnelEntry, settings: borrowing HotSettings
  ) {
    let trafficClass = ExplicitCongestion.outerTrafficClass(
      inner: packet.trafficClass, dscp: tunnel.outerDSCP(inner: packet.trafficClass >> 2),
      compatibility: tunnel.ecnCompatibility)
    let inner = Int(packet.inner)
    let isIPv6 = packet.family == .ipv6
    var label: UInt32 = 0
    if settings.labelsFlows {
      let length = Int(packet.innerLength)
      label =
        isIPv6
        ? FlowLabel.ofIPv6(frame, inner, length: length, key: settings.flowLabelKey)
        : FlowLabel.ofIPv4(frame, inner, length: length, key: settings.flowLabelKey)
    }
    let next = isIPv6 ? IPv6Header.nextHeaderIPv6 : IPv6Header.nextHeaderIPv4
    frame.setWord32(offset, 6 << 28 | UInt32(trafficClass) << 20 | label)
    frame.setWord32(offset + 4, UInt32(packet.innerLength) << 16 | UInt32(next) << 8 | UInt32(tunnel.hopLimit))
    let (localHigh, localLow) = tunnel.localWords
    let (remoteHigh, remoteLow) = tunnel.remoteWords
    frame.setNative64(offset + 8, localHigh)
    frame.setNative64(offset + 16, localLow)
    frame.setNative64(offset + 24, remoteHigh)
    frame.setNative64(offset + 32, remoteLow)
  }
}
