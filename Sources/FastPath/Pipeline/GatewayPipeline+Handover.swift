import FlowTable

// Fast handover (RFC 5949), localized routes (RFC 6705) and visitors. Nothing here runs for a plain packet, so single
// look-ups will do.
extension GatewayPipeline {
  // MARK: From a tunnel

  /// A tunnel packet that is not simply of its mobile node's own tunnel to an active binding, or one that was held.
  @inline(never)
  static func arriveOffCourse(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) {
    if packet.origin == .released { return release(&packet, binding, frame: frame, context: context) }
    var reason = DropReason.notOnLink
    if packet.destination != 0 && !binding.isVisitor {
      if binding.tunnel == packet.arrivalTunnel || isFromPeer(packet, binding) {
        return arrive(&packet, binding, frame: frame, context: context)
      }
      let source = packet.innerSource(frame)
      switch context.snapshot.localizedArrival(to: binding, from: source, by: packet.arrivalTunnel) {
      case .accepted: return arrive(&packet, binding, frame: frame, context: context)
      case .foreignSource: reason = .sourceNotBound
      case .otherTunnel: reason = .unknownTunnel
      }
    }
    relay(&packet, orDrop: reason, frame: frame, snapshot: context.snapshot)
  }

  /// Whether a packet to a binding comes from the previous gateway of its handover, which is heard until the next
  /// setting of the binding (CONTRACT, "Settled details").
  private static func isFromPeer(_ packet: PacketState, _ binding: BindingEntry) -> Bool {
    guard binding.peer == packet.arrivalTunnel else { return false }
    return binding.state == .active ? binding.isFlushed : binding.state != .redirecting
  }

  /// By the state of a binding whose packet it is.
  private static func arrive(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) {
    switch binding.state {
    case .active, .flushing, .relaying:
      if isRouterAnycast(packet.innerDestination(frame), of: binding) { return packet.punt(.innerLocal) }
      // Behind what is held (S-59). An active binding that was not flushed has nothing held that will be sent.
      if !binding.isPlain && context.handover.isHolding(binding) { packet.keep() }
    case .buffering:
      if isRouterAnycast(packet.innerDestination(frame), of: binding) { return packet.punt(.innerLocal) }
      packet.keep()
    case .redirecting:
      // What was held before the mobile node went on goes before what comes now.
      if context.handover.isHolding(binding) { packet.keep() } else { redirect(&packet, binding) }
    case .pending: packet.drop(.bindingPending)
    case .deregistering: packet.drop(.deregistering)
    }
  }

  /// A packet that was held: by the state of now, to the access link of now.
  private static func release(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) {
    guard packet.destination != 0, !binding.isVisitor else { return packet.drop(.bufferCancelled) }
    if packet.arrivalTunnel.rawValue == 0 {
      // Held on its way from one access link to another: it counts for its sender, too.
      packet.source = context.snapshot.lookupBinding(LookupKey(packet.innerSource(frame)))
    } else if packet.arrivalTunnel != binding.tunnel && packet.arrivalTunnel != binding.peer {
      // The tunnel that it came by may have gone, and its number with the traffic cell be another's: what is counted must
      // be in use still, and the binding says so of its own.
      packet.arrivalTunnel = TunnelID(0)
    }
    switch binding.state {
    case .active, .flushing, .relaying: break
    // Of another prefix by now, which is in handover itself.
    case .buffering: packet.keep()
    case .redirecting: redirect(&packet, binding)
    case .pending, .deregistering: packet.drop(.bufferCancelled)
    }
  }

  /// To the gateway that the mobile node has gone to (RFC 5949 section 4.1 (f)).
  static func redirect(_ packet: inout PacketState, _ binding: BindingEntry) {
    guard let peer = binding.peer else { return packet.drop(.bindingPending) }
    // Not of a held packet: it goes where the mobile node is now, even back, and the tunnel that it came by may have gone
    // since and its number be another's.
    guard peer != packet.arrivalTunnel || packet.origin == .released else { return packet.drop(.loop) }
    packet.departureTunnel = peer
    packet.path = .redirect
  }

  /// From the gateway that a mobile node has gone to, to its anchor (section 4.1 (j)): of nobody else (R5949-10).
  private static func relay(
    _ packet: inout PacketState, orDrop reason: DropReason, frame: FrameView, snapshot: TableSnapshot
  ) {
    let source = snapshot.lookupBinding(LookupKey(packet.innerSource(frame)))
    let binding = snapshot.binding(source)
    guard source != 0, binding.state == .redirecting, binding.peer == packet.arrivalTunnel else {
      // A mobile node of this gateway that was not handed over to the sender.
      let isForeign =
        reason == .notOnLink && source != 0 && !binding.isVisitor && binding.tunnel != packet.arrivalTunnel
      return packet.drop(isForeign ? .sourceNotBound : reason)
    }
    packet.source = source
    packet.destination = 0
    packet.departureTunnel = binding.tunnel
    packet.path = .relay
  }

  // MARK: From the access link

  /// Whether a mobile node in another state than active may send; otherwise the packet has its verdict. It may while its
  /// packets are held or redirected: it need not have heard of the handover (RFC 5949 section 5.2).
  @inline(never)
  static func mayLeave(_ packet: inout PacketState, _ binding: BindingEntry) -> Bool {
    switch binding.state {
    case .active, .redirecting, .buffering, .flushing, .relaying: return true
    case .pending: packet.drop(.bindingPending)
    case .deregistering: packet.drop(.deregistering)
    }
    return false
  }

  /// Whether a packet may go straight to a binding of this gateway that is not simply active; otherwise it has its verdict
  /// or takes the tunnel.
  @inline(never)
  static func mayStay(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    // A visitor's prefix is the kernel's, the address of the router in it as well.
    if binding.isVisitor {
      packet.punt(.visitor)
      return false
    }
    if isRouterAnycast(packet.innerDestination(frame), of: binding) {
      packet.punt(.notOurs)
      return false
    }
    guard binding.state == .active else {
      packet.destination = 0
      return false
    }
    if context.handover.isHolding(binding) { packet.keep() }
    return true
  }

  /// The way past the anchor for packets of a prefix with localized routes, where one is usable now; the anchor's tunnel
  /// stays the way otherwise (RFC 6705 section 5).
  @inline(never)
  static func leaveLocalized(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) {
    let destination = packet.innerDestination(frame)
    let tunnel = context.snapshot.tunnel(context.snapshot.localizedTunnel(from: binding, to: destination))
    guard tunnel.exists, !tunnel.isFailed, context.snapshot.nextHop(tunnel.nextHop).kind == .resolved else { return }
    packet.departureTunnel = tunnel.id
  }

  /// A packet whose source is bound elsewhere than on the link that it came by: an ordinary host's, or somebody's who
  /// takes the address of a mobile node.
  @inline(never)
  static func leaveOffLink(
    _ packet: inout PacketState, _ binding: BindingEntry, frame: FrameView, context: borrowing TurnContext
  ) {
    guard binding.isVisitor, binding.accessPort == context.port else { return packet.drop(.notOnLink) }
    // RFC 5213 section 6.10.5: to a mobile node here if local routing is allowed, else as any router would.
    let destination = context.snapshot.lookupBinding(LookupKey(packet.innerDestination(frame)))
    let other = context.snapshot.binding(destination)
    let isHere =
      destination != 0 && !other.isVisitor && other.state == .active
      && other.localRouting(standard: context.settings.localRouting)
      && !isRouterAnycast(packet.innerDestination(frame), of: other)
      // An address of this machine may lie within a mobile node's prefix.
      && !context.settings.isLocal(packet.innerDestination(frame))
    guard isHere else { return packet.punt(.visitor) }
    context.prefetchTraffic(of: other)
    packet.destination = destination
    packet.path = .deliver
    if !other.isPlain && context.handover.isHolding(other) { packet.keep() }
  }
}
