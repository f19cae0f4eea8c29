import FlowTable

/// Stages 7 and 8: every check first, then the tunnel header is pushed, popped or swapped in place, then the link-layer
/// header of the next hop. After the first write nothing can fail.
enum Egress {
  /// Where a packet goes and by which link-layer header.
  struct Plan: BitwiseCopyable {
    var port: UInt8 = 0
    var header = LinkHeader()
  }

  @inline(__always)
  static func run(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.count where batch.packets[index].verdict == .undecided {
      let frame = context.frame(at: batch.packets[index].address)
      forward(&batch.packets[index], frame: frame, context: context)
    }
  }

  @inline(__always)
  private static func forward(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    if packet.arrival == .tunnelled && !mergeCongestion(&packet, context: context) { return packet.drop(.ecn) }
    let inner = Int(packet.inner)
    let hops = packet.family == .ipv6 ? IPv6Header.hopLimit(frame, inner) : IPv4Header.timeToLive(frame, inner)
    guard hops > 1 else { return packet.except(.timeExceeded, .hopLimit) }
    switch packet.path {
    case .encapsulate, .hairpin, .redirect, .relay: encapsulate(&packet, frame: frame, context: context)
    case .route: route(&packet, frame: frame, context: context)
    case .deliver: deliver(&packet, frame: frame, context: context)
    case .none, .nested: packet.punt(.notOurs)
    }
  }

  /// Ends the decapsulation of a packet that goes to the kernel instead of a port: congestion on the way must reach its
  /// reader, too (RFC 6040 section 4.2). False when that drops it.
  static func surface(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) -> Bool {
    guard mergeCongestion(&packet, context: context) else { return false }
    writeTrafficClass(packet, frame: frame)
    return true
  }

  /// Repeating it changes nothing more.
  @inline(__always)
  static func mergeCongestion(_ packet: inout PacketState, context: borrowing TurnContext) -> Bool {
    if ExplicitCongestion.isUnusual(inner: packet.trafficClass, outer: packet.outerTrafficClass) {
      context.counters.congestion(
        cell: ExplicitCongestion.cell(inner: packet.trafficClass, outer: packet.outerTrafficClass))
    }
    let merged = ExplicitCongestion.innerTrafficClass(
      inner: packet.trafficClass, outer: packet.outerTrafficClass, rule: packet.exitRule)
    guard let merged else { return false }
    packet.trafficClass = merged
    packet.outerTrafficClass = merged
    return true
  }

  /// Pushes a tunnel header directly in front of the inner packet. For a packet that came by a tunnel this overwrites
  /// the header it came in: one rewrite in place.
  ///
  /// Nearly every packet enters an ordinary tunnel, fits, and leaves by a known neighbour. One that does not has had
  /// nothing written when that shows, and is treated apart: with all cases in one function the compiler carried what
  /// the rare ones need through the common one, a sixth of its instructions.
  @inline(__always)
  private static func encapsulate(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
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

  @inline(__always)
  private static func route(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    guard packet.nextHop.rawValue != 0 else { return packet.except(.noRoute, .noRoute) }
    var plan = Plan()
    guard resolve(packet.nextHop, into: &plan, packet: &packet, context: context) else { return }
    leavePlain(&packet, frame: frame, plan: plan, context: context)
  }

  @inline(__always)
  private static func deliver(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let binding = context.snapshot.binding(packet.destination)
    // The access link is where the whole prefix is, whatever the interface identifier (R5949-9): no neighbour look-up.
    let port = Int(binding.accessPort)
    guard binding.hasAccess && port < PlaneSettings.maximumPorts else { return packet.drop(.notOnLink) }
    let header = LinkHeader(
      destination: binding.accessMAC, source: context.settings.ports[port].mac, vlan: binding.accessVLAN)
    let plan = Plan(port: binding.accessPort, header: header)
    leavePlain(&packet, frame: frame, plan: plan, context: context)
  }

  @inline(__always)
  private static func leavePlain(
    _ packet: inout PacketState, frame: FrameView, plan: Plan, context: borrowing TurnContext
  ) {
    let network = Int(packet.inner)
    guard place(&packet, network: network, length: Int(packet.innerLength), plan: plan, context: context) else {
      return
    }
    rewriteInner(packet, frame: frame)
    let type = packet.family == .ipv6 ? EthernetHeader.typeIPv6 : EthernetHeader.typeIPv4
    finish(&packet, frame: frame, network: network, type: type, plan: plan)
  }

  /// Fills the plan from a next hop, or decides the packet.
  @inline(__always)
  static func resolve(
    _ identifier: NextHopID, into plan: inout Plan, packet: inout PacketState, context: borrowing TurnContext
  ) -> Bool {
    let hop = context.snapshot.nextHop(identifier)
    guard hop.kind == .resolved else {
      refuse(&packet, hop.kind)
      return false
    }
    let (first, second, _) = hop.headerWords
    plan = Plan(port: hop.port, header: LinkHeader(first: first, second: second, length: hop.headerLength))
    return true
  }

  @inline(never)
  private static func refuse(_ packet: inout PacketState, _ kind: NextHopEntry.Kind) {
    switch kind {
    case .resolved: break
    case .unresolved: packet.drop(.noNeighbor)
    case .unreachable: packet.except(.noRoute, .noRoute)
    case .kernel: packet.punt(.foreignInterface)
    }
  }

  /// The last checks: the port's MTU and the frame's headroom. Sets what will be transmitted.
  @inline(__always)
  static func place(
    _ packet: inout PacketState, network: Int, length: Int, plan: Plan, context: borrowing TurnContext
  ) -> Bool {
    let limit = context.settings.ports[Int(plan.port & 7)].mtu
    guard length <= limit else {
      // What the inner packet may have: the rest is tunnel headers.
      TunnelLimit.refuse(&packet, mtu: UInt16(clamping: limit &- length &+ Int(packet.innerLength)))
      return false
    }
    let start = network - plan.header.length
    // RX-2: a packet that would not fit its chunk is too big, never cut.
    guard Int(truncatingIfNeeded: packet.address & context.chunkMask) + start >= 0 else {
      packet.drop(.tooBig)
      return false
    }
    packet.departure = Int16(truncatingIfNeeded: start)
    packet.departureLength = UInt16(truncatingIfNeeded: plan.header.length + length)
    return true
  }

  /// Hop limit once (R2473-1, -2) and the traffic class that decapsulation left.
  @inline(__always)
  static func rewriteInner(_ packet: PacketState, frame: FrameView) {
    let inner = Int(packet.inner)
    if packet.family == .ipv6 {
      IPv6Header.decrementHopLimit(frame, inner)
    } else {
      IPv4Header.decrementTimeToLive(frame, inner)
    }
    if packet.arrival == .tunnelled { writeTrafficClass(packet, frame: frame) }
  }

  @inline(__always)
  private static func writeTrafficClass(_ packet: PacketState, frame: FrameView) {
    if packet.family == .ipv6 {
      IPv6Header.setTrafficClass(frame, Int(packet.inner), packet.trafficClass)
    } else {
      IPv4Header.setTypeOfService(frame, Int(packet.inner), packet.trafficClass)
    }
  }

  @inline(__always)
  static func finish(
    _ packet: inout PacketState, frame: FrameView, network: Int, type: UInt16, plan: Plan
  ) {
    plan.header.write(frame, before: network, type: type)
    packet.port = plan.port
    packet.verdict = .transmit
  }
}
