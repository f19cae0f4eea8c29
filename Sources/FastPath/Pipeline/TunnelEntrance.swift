import FlowTable

/// What RFC 2473 section 4.1 asks of a tunnel's entry before it encapsulates: no packet of the tunnel's own, and no more
/// tunnels than the packet's limit allows.
enum TunnelEntrance {
  /// The limit that the outer header must carry, by rules (b) to (e) of section 4.1.1; nil when the packet may not enter
  /// and has its verdict.
  @inline(__always)
  static func limit(_ packet: inout PacketState, frame: FrameView, tunnel: TunnelEntry) -> EncapsulationLimit? {
    let limit = EncapsulationLimit(of: tunnel)
    guard packet.family == .ipv6 else { return limit }
    guard !isOwn(packet, frame: frame, tunnel: tunnel) else {
      packet.drop(.loop)
      return nil
    }
    // Nearly every packet has its upper header first: nothing to walk.
    guard ExtensionHeaders.isExtension(frame.octet(Int(packet.inner) + 6)) else { return limit }
    return limitOfPacket(&packet, frame: frame) ?? (packet.verdict == .undecided ? limit : nil)
  }

  /// Whether nothing of section 4.1 speaks against a packet and nothing in it limits its tunnels: no extension header.
  @inline(__always)
  static func isOpen(_ packet: PacketState, frame: FrameView, to tunnel: TunnelEntry) -> Bool {
    guard packet.family == .ipv6 else { return true }
    return !isOwn(packet, frame: frame, tunnel: tunnel)
      && !ExtensionHeaders.isExtension(frame.octet(Int(packet.inner) + 6))
  }

  /// Largest inner packet, in octets, for a packet with this limit: `tunnel.mtu` allows for the option only where the
  /// tunnel is configured to send it (section 6.7, per packet).
  @inline(__always)
  static func mtu(of tunnel: TunnelEntry, with limit: EncapsulationLimit) -> Int {
    let option = limit.isPresent && tunnel.encapsulationLimit == nil ? TunnelHeader.limitLength : 0
    return Int(tunnel.mtu) - option
  }

  /// Rules (b) and (c); nil without an option, and when its limit is used up: then the packet has its verdict.
  private static func limitOfPacket(_ packet: inout PacketState, frame: FrameView) -> EncapsulationLimit? {
    let inner = Int(packet.inner)
    let offset = InnerHeaders.encapsulationLimit(frame, network: inner, end: inner + Int(packet.innerLength))
    guard offset != 0 else { return nil }
    let value = frame.octet(offset)
    guard value > 0 else {
      // The pointer is to the limit itself, from the start of this packet (section 4.1.1, rule (b)).
      packet.except(.parameterProblem, .encapsulationLimit, detail: UInt16(truncatingIfNeeded: offset - inner))
      return nil
    }
    return EncapsulationLimit(value - 1)
  }

  /// Section 4.1.2: a packet between the tunnel's own ends would be put into itself for ever.
  @inline(__always)
  private static func isOwn(_ packet: PacketState, frame: FrameView, tunnel: TunnelEntry) -> Bool {
    let inner = Int(packet.inner)
    let (localHigh, localLow) = tunnel.localWords
    let (remoteHigh, remoteLow) = tunnel.remoteWords
    // One word that differs says no: for nearly every packet the first.
    return frame.native64(inner + 32) == remoteLow && frame.native64(inner + 24) == remoteHigh
      && frame.native64(inner + 16) == localLow && frame.native64(inner + 8) == localHigh
  }
}
