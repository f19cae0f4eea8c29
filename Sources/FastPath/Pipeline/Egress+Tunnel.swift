import FlowTable

// The tunnel's entry.
extension Egress {
  /// Pushes a tunnel header directly in front of the inner packet. For a packet that came by a tunnel this overwrites
  /// the header it came in: one rewrite in place.
  ///
  /// Nearly every packet enters an ordinary tunnel, fits, and leaves by a known neighbour. One that does not has had
  /// nothing written when that shows, and is treated apart: with all cases in one function the compiler carried what
  /// the rare ones need through the common one, a sixth of its instructions.
  @inline(always)
  static func encapsulate(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let tunnel = context.snapshot.tunnel(packet.departureTunnel)
    let hop = context.snapshot.nextHop(tunnel.nextHop)
    let length = IPv6Header.length &+ Int(packet.innerLength)
    let network = Int(packet.inner) &- IPv6Header.length
    let start = network &- hop.headerLength
    // Sums of 16-bit numbers: none can overflow.
    guard tunnel.isOrdinary, packet.innerLength <= tunnel.mtu,
      TunnelEntrance.isOpen(packet, frame: frame, to: tunnel), hop.kind == .resolved,
      length <= context.settings.ports[Int(hop.port & 7)].mtu,
      Int(truncatingIfNeeded: packet.address & context.chunkMask) &+ start >= 0
    else { return encapsulateRare(&packet, frame: frame, context: context) }
    packet.departure = Int16(truncatingIfNeeded: start)
    packet.departureLength = UInt16(truncatingIfNeeded: hop.headerLength &+ length)
    rewriteInner(packet, frame: frame)
    TunnelHeader.write(
      frame, at: network, payload: TunnelPayload(packet), tunnel: tunnel, limit: EncapsulationLimit(),
      settings: context.settings)
    let (first, second, _) = hop.headerWords
    LinkHeader(first: first, second: second, length: hop.headerLength)
      .write(frame, before: network, type: EthernetHeader.typeIPv6)
    packet.port = hop.port
    packet.verdict = .transmit
  }

  /// What `encapsulate` does, in full.
  @inline(never)
  private static func encapsulateRare(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let tunnel = context.snapshot.tunnel(packet.departureTunnel)
    guard tunnel.isPlain else { return NestedTunnels.encapsulate(&packet, frame: frame, context: context) }
    guard let limit = TunnelEntrance.limit(&packet, frame: frame, tunnel: tunnel) else { return }
    let mtu = TunnelEntrance.mtu(of: tunnel, with: limit)
    let fits = Int(packet.innerLength) <= mtu
    guard fits || TunnelLimit.mayFragmentOuter(packet, frame: frame) else {
      return TunnelLimit.refuse(&packet, mtu: UInt16(clamping: mtu))
    }
    var plan = Plan()
    guard resolve(tunnel.nextHop, into: &plan, packet: &packet, context: context) else {
      // A tunnel through an interface that is not a port cannot be encapsulated by the kernel in our stead.
      if packet.verdict == .punt { packet.except(.noRoute, .noRoute) }
      return
    }
    let overhead = TunnelHeader.length(limit)
    let outer = Int(packet.inner) - overhead
    let length = overhead + Int(packet.innerLength)
    let isPlaced =
      fits
      ? place(&packet, network: outer, length: length, plan: plan, context: context)
      : TunnelLimit.holdForFragments(&packet, at: outer, length: length, path: mtu + overhead, context: context)
    guard isPlaced else { return }
    rewriteInner(packet, frame: frame)
    TunnelHeader.write(
      frame, at: outer, payload: TunnelPayload(packet), tunnel: tunnel, limit: limit, settings: context.settings)
    guard fits else { return }
    finish(&packet, frame: frame, network: outer, type: EthernetHeader.typeIPv6, plan: plan)
  }
}
