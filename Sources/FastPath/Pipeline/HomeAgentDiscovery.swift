import FlowTable

/// Requests of Dynamic Home Agent Address Discovery (RFC 6275 section 10.5.1), for a home agent that answers them.
///
/// They go to the Home-Agents anycast address of a home prefix (RFC 2526 section 3), which with a prefix for each mobile
/// node is on none of this machine's links: without this they would be tunnelled to the mobile node. RFC 5213 section 5.7
/// withdraws the discovery for proxy mobility, so it is an option.
enum HomeAgentDiscovery {
  /// The interface identifier of Home-Agents, as in a prefix of 64 bits.
  private static let anycast: UInt64 = 0xfdff_ffff_ffff_fffe
  private static let icmpv6: UInt8 = 58
  private static let request: UInt8 = 144

  /// Whether the inner packet, which has been parsed, is such a request.
  @inline(never)
  static func isRequest(_ packet: PacketState, frame: FrameView) -> Bool {
    let inner = Int(packet.inner)
    return packet.family == .ipv6 && packet.innerDestination(frame).low == anycast
      && frame.octet(inner + 6) == icmpv6 && packet.innerLength > 40 && frame.octet(inner + 40) == request
  }
}
