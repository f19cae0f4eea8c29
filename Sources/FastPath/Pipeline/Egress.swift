import FlowTable

/// Stages 7 and 8: every check first, then the tunnel header is pushed, popped or swapped in place, then the link-layer
/// header of the next hop. After the first write nothing can fail.
enum Egress {
  /// Where a packet goes and by which link-layer header.
  struct Plan: BitwiseCopyable {
    var port: UInt8 = 0
    var header = LinkHeader()
  }

  /// In two loops, each with one kind of rewriting: nearly every batch needs one of them, the one of its first packet.
  static func run(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    if batch.packets[0].path.entersTunnel {
      if encapsulate(&batch, context: context) { _ = leave(&batch, context: context) }
    } else if leave(&batch, context: context) {
      _ = encapsulate(&batch, context: context)
    }
  }

  /// All packets that enter a tunnel; says whether there are others.
  @inline(never)
  private static func encapsulate(_ batch: inout PacketBatch, context: borrowing TurnContext) -> Bool {
    rewrite(&batch, entering: true, context: context)
  }

  /// All packets that enter none; says whether there are others.
  @inline(never)
  private static func leave(_ batch: inout PacketBatch, context: borrowing TurnContext) -> Bool {
    rewrite(&batch, entering: false, context: context)
  }

  /// Both callers pass a constant, so each has a loop with its own kind of rewriting only.
  @inline(always)
  private static func rewrite(
    _ batch: inout PacketBatch, entering: Bool, context: borrowing TurnContext
  ) -> Bool {
    var hasOthers = false
    let end = batch.end
    var index = 0
    while index < end {
      if batch.packets[index].verdict == .undecided {
        if batch.packets[index].path.entersTunnel == entering {
          let frame = context.frame(at: batch.packets[index].address)
          if mayForward(&batch.packets[index], frame: frame, context: context) {
            if entering {
              encapsulate(&batch.packets[index], frame: frame, context: context)
            } else {
              leave(&batch.packets[index], frame: frame, context: context)
            }
          }
        } else {
          hasOthers = true
        }
      }
      index &+= 1
    }
    return hasOthers
  }

  @inline(always)
  private static func leave(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    switch packet.path {
    case .deliver: deliver(&packet, frame: frame, context: context)
    case .route: route(&packet, frame: frame, context: context)
    default: packet.punt(.notOurs)
    }
  }

  /// The end of the tunnel that a packet came by, and its hop limit.
  @inline(__always)
  private static func mayForward(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    if packet.arrival == .tunnelled && !mergeCongestion(&packet, context: context) {
      packet.drop(.ecn)
      return false
    }
    let inner = Int(packet.inner)
    let hops = packet.family == .ipv6 ? IPv6Header.hopLimit(frame, inner) : IPv4Header.timeToLive(frame, inner)
    if hops > 1 { return true }
    packet.except(.timeExceeded, .hopLimit)
    return false
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
    let isMerged = ExplicitCongestion.isMerged(
      inner: packet.trafficClass, outer: packet.outerTrafficClass, rule: packet.exitRule)
    return isMerged || mergeOtherMarks(&packet, context: context)
  }

  @inline(never)
  private static func mergeOtherMarks(_ packet: inout PacketState, context: borrowing TurnContext) -> Bool {
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
      let mtu = UInt16(clamping: limit &- length &+ Int(packet.innerLength))
      TunnelLimit.refuseAtPort(&packet, frame: context.frame(at: packet.address), mtu: mtu)
      return false
    }
    // Sums of 16-bit numbers: none can overflow.
    let start = network &- plan.header.length
    // RX-2: a packet that would not fit its chunk is too big, never cut.
    guard Int(truncatingIfNeeded: packet.address & context.chunkMask) &+ start >= 0 else {
      packet.drop(.tooBig)
      return false
    }
    packet.departure = Int16(truncatingIfNeeded: start)
    packet.departureLength = UInt16(truncatingIfNeeded: plan.header.length &+ length)
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
