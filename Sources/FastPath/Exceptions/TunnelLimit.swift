import FlowTable

/// What becomes of a packet that is larger than its tunnel takes (RFC 2473 section 7).
enum TunnelLimit {
  /// IPv6's least link MTU (RFC 8200 section 5): nobody can be asked for less.
  static let leastMTU: UInt16 = 1280
  /// The DF bit in the flags octet of an IPv4 header.
  private static let dontFragment: UInt8 = 0x40

  /// Section 7.1 (b): an IPv6 packet that could not be made smaller; section 7.2 (b): an IPv4 packet without DF.
  static func mayFragmentOuter(_ packet: PacketState, frame: FrameView) -> Bool {
    if packet.family == .ipv6 { return packet.innerLength <= leastMTU }
    return frame.octet(Int(packet.inner) + 6) & dontFragment == 0
  }

  /// Sections 7.1 (a) and 7.2 (a): its sender is told what would fit.
  static func refuse(_ packet: inout PacketState, mtu: UInt16) {
    packet.except(.packetTooBig, .tooBig, detail: packet.family == .ipv6 ? max(mtu, leastMTU) : mtu)
  }

  /// Larger than the port takes. Without DF the answer would not be true: "fragmentation needed and DF set" (RFC 792).
  @inline(never)
  static func refuseAtPort(_ packet: inout PacketState, frame: FrameView, mtu: UInt16) {
    guard packet.family == .ipv6 || frame.octet(Int(packet.inner) + 6) & dontFragment != 0 else {
      return packet.drop(.tooBig)
    }
    refuse(&packet, mtu: mtu)
  }

  /// Checked before the outer header is written at `outer`: the slow path makes fragments of at most `path` octets of
  /// what will be there.
  static func holdForFragments(
    _ packet: inout PacketState, at outer: Int, length: Int, path: Int, context: borrowing TurnContext
  ) -> Bool {
    guard Int(truncatingIfNeeded: packet.address & context.chunkMask) + outer >= 0 else {
      packet.drop(.tooBig)
      return false
    }
    packet.departure = Int16(truncatingIfNeeded: outer)
    packet.departureLength = UInt16(truncatingIfNeeded: length)
    packet.hold(.oversized, orDrop: .tooBig, detail: UInt16(clamping: path))
    return true
  }
}

extension Egress {
  /// Finished outer packets of `departureTunnel` leave by its next hop.
  static func sendOuter(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.count {
      let frame = context.frame(at: batch.packets[index].address)
      sendOuter(&batch.packets[index], frame: frame, context: context)
    }
  }

  private static func sendOuter(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let tunnel = context.snapshot.tunnel(packet.departureTunnel)
    guard tunnel.exists else { return packet.drop(.unknownTunnel) }
    guard !tunnel.isFailed else { return packet.drop(.peerDown) }
    var plan = Plan()
    guard resolve(tunnel.nextHop, into: &plan, packet: &packet, context: context) else {
      if packet.verdict == .punt { packet.drop(.noRoute) }
      return
    }
    let network = Int(packet.network)
    guard place(&packet, network: network, length: Int(packet.length) - network, plan: plan, context: context) else {
      return
    }
    finish(&packet, frame: frame, network: network, type: EthernetHeader.typeIPv6, plan: plan)
  }
}
