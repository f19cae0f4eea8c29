import FlowTable

/// The Local Mobility Anchor's stages (RFC 5213 section 5.6.2): core to tunnel, tunnel to core, tunnel to tunnel.
enum AnchorPipeline: Pipeline {
  static var sendsUplink: Bool { false }

  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    open(&batch, context: context)
    batch.resolveBindings(context.snapshot)
    authorize(&batch, context: context)
    batch.resolveRoutes(context.snapshot)
    Egress.run(&batch, context: context)
  }

  /// Core packets to a pool are downlink, tunnel packets are uplink, the rest is the kernel's.
  @inline(always)
  static func classify(
    _ batch: inout PacketBatch, _ index: Int, frame: FrameView, context: borrowing TurnContext
  ) {
    let destination = batch.packets[index].innerDestination(frame)
    if batch.packets[index].arrival == .tunnelled {
      batch.packets[index].path = .route
      batch.requestSource(batch.packets[index].innerSource(frame), for: index)
    } else {
      guard mayGoDown(&batch.packets[index], to: destination, frame: frame, context: context) else { return }
      batch.packets[index].path = .encapsulate
    }
    batch.requestDestination(destination, for: index)
  }

  /// Finds the tunnel that a packet came by; false when the packet is decided.
  @inline(__always)
  private static func arrive(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    // Of no known tunnel, nothing is revoked and nobody spared.
    packet.arrive(expectedBy: packet.source, frame: frame, context: context)
      || isSpared(&packet, frame: frame, context: context)
  }

  /// Whether a packet that came by no tunnel may go to a mobile node, if there is a binding; otherwise it is decided.
  @inline(__always)
  private static func mayGoDown(
    _ packet: inout PacketState, to destination: IPAddress, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    // A local IPv6 destination is none of these on a core port: `Parse` has opened the packet or decided it.
    guard context.kinds.contains(.core), context.settings.isInPool(destination),
      packet.family == .ipv6 || !context.settings.isLocal(destination)
    else {
      // What this machine originates comes from no port.
      if packet.origin == .originated { return true }
      packet.punt(.notOurs)
      return false
    }
    // A pool address is never a legitimate source outside: its owner's packets come by the tunnel.
    guard context.settings.poolSourcesAllowed || !context.settings.isInPool(packet.innerSource(frame)) else {
      packet.drop(.martian)
      return false
    }
    if context.settings.homeAgentDiscovery && HomeAgentDiscovery.isRequest(packet, frame: frame) {
      packet.punt(.notOurs)
      return false
    }
    return true
  }

  @inline(__always)
  private static func authorize(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    let end = batch.end
    var index = 0
    while index < end {
      if batch.packets[index].verdict == .undecided { authorize(&batch, index, context: context) }
      index &+= 1
    }
  }

  @inline(always)
  private static func authorize(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    if batch.packets[index].path == .encapsulate {
      if batch.packets[index].destination == 0 && batch.packets[index].origin == .originated {
        return leaveByRoute(&batch, index, context: context)
      }
      return authorizeDownlink(&batch.packets[index], context: context)
    }
    let frame = context.frame(at: batch.packets[index].address)
    guard arrive(&batch.packets[index], frame: frame, context: context) else { return }
    authorizeUplink(&batch.packets[index], frame: frame, context: context)
    if batch.packets[index].verdict == .undecided && batch.packets[index].path == .route {
      batch.requestDestination(batch.packets[index].innerDestination(frame), for: index)
    }
  }

  /// Our own packet to nobody's binding: out by route, but never to an anchored address (S-26).
  @inline(never)
  private static func leaveByRoute(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    let frame = context.frame(at: batch.packets[index].address)
    let destination = batch.packets[index].innerDestination(frame)
    guard !context.settings.isInPool(destination) else { return batch.packets[index].drop(.noBinding) }
    batch.packets[index].path = .route
    batch.requestDestination(destination, for: index)
  }

  @inline(__always)
  private static func authorizeDownlink(_ packet: inout PacketState, context: borrowing TurnContext) {
    guard packet.destination != 0 else { return refuseUnbound(&packet, context: context) }
    let binding = context.snapshot.binding(packet.destination)
    if let reason = stateViolation(binding.state) { return packet.drop(reason) }
    context.prefetchTraffic(of: binding)
    packet.departureTunnel = binding.tunnel
  }

  @inline(__always)
  private static func refuseUnbound(_ packet: inout PacketState, context: borrowing TurnContext) {
    packet.except(context.settings.answersUnbound ? .unbound : .unboundNotice, .noBinding)
  }

  /// REQUIREMENTS 2.15, first two rows: the inner source is bound to the very tunnel it came by.
  @inline(__always)
  static func authorizeUplink(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    guard packet.source != 0 else { return packet.drop(.sourceNotBound) }
    guard !isProxiedHomeTest(packet, frame: frame, context: context) else { return packet.drop(.hotiProxy) }
    if context.snapshot.binding(packet.source).tunnel != packet.arrivalTunnel {
      // A mobile node with a Mobile IPv6 binding elsewhere may still send through its MAG (RFC 6612 section 4.2):
      // the other cache has the say.
      packet.source = proxyBinding(of: packet, frame: frame, context: context)
      guard packet.source != 0, context.snapshot.binding(packet.source).tunnel == packet.arrivalTunnel else {
        return packet.drop(.sourceNotBound)
      }
    }
    let binding = context.snapshot.binding(packet.source)
    if let reason = stateViolation(binding.state) { return packet.drop(reason) }
    context.prefetchTraffic(of: binding)
    // RFC 6275 section 10.4.5: what must be protected comes decrypted by the kernel, so this is somebody else's.
    guard !binding.requiresESP else { return packet.drop(.sourceNotBound) }
    let destination = packet.innerDestination(frame)
    if context.settings.isLocal(destination) { return openAgain(&packet, frame: frame, context: context) }
    if context.settings.homeAgentDiscovery && HomeAgentDiscovery.isRequest(packet, frame: frame) {
      return packet.punt(.innerLocal)
    }
    guard packet.destination != 0 else {
      // S-26: what is anchored here and unbound never leaves by the default route.
      if context.settings.isInPool(destination) { refuseUnbound(&packet, context: context) }
      return
    }
    // R4443-9: back into the binding it came from would be a loop between anchor and gateway.
    guard packet.destination != packet.source else { return packet.except(.addressUnreachable, .loop) }
    packet.path = .hairpin
    authorizeDownlink(&packet, context: context)
  }

  /// A Home Test Init from an address whose binding is a proxy's (S-47): there is no route optimisation for it
  /// (RFC 5213 section 5.9). A Mobile IPv6 binding of its own may have it.
  ///
  /// By the context, since a snapshot as an argument is 216 octets copied for every packet.
  @inline(__always)
  private static func isProxiedHomeTest(
    _ packet: PacketState, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    let inner = Int(packet.inner)
    guard packet.family == .ipv6, ExtensionHeaders.isExtension(frame.octet(inner + 6)),
      InnerHeaders.isHomeTestInit(frame, network: inner, end: inner + Int(packet.innerLength))
    else { return false }
    return proxyBinding(of: packet, frame: frame, context: context) == packet.source
  }

  /// Out of line and by the context: the compiler copies a snapshot that it calls on, even for packets that never do.
  @inline(never)
  private static func proxyBinding(
    of packet: PacketState, frame: FrameView, context: borrowing TurnContext
  ) -> UInt32 {
    context.snapshot.lookupProxyBinding(LookupKey(packet.innerSource(frame)))
  }
}
