import FlowTable

/// The Mobile Access Gateway's stages (RFC 5213 section 6.10.5): access link to tunnel and back, and local routing.
enum GatewayPipeline: Pipeline {
  static var sendsUplink: Bool { true }

  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    open(&batch, context: context)
    batch.resolveBindings(context.snapshot)
    let hasOriginated = authorize(&batch, context: context)
    if batch.keyCount > 0 {
      batch.resolveBindings(context.snapshot)
      shortCircuit(&batch, context: context)
    }
    if hasOriginated {
      leave(&batch, context: context)
      batch.resolveRoutes(context.snapshot)
    }
    Egress.run(&batch, context: context)
  }

  /// Tunnel packets are downlink; what comes from an access port is uplink, and its source is asked for first.
  @inline(always)
  static func classify(
    _ batch: inout PacketBatch, _ index: Int, frame: FrameView, context: borrowing TurnContext
  ) {
    if batch.packets[index].arrival == .tunnelled {
      batch.packets[index].path = .deliver
    } else if context.kinds.contains(.access) {
      batch.packets[index].path = .encapsulate
      return batch.requestSource(batch.packets[index].innerSource(frame), for: index)
    } else if batch.packets[index].origin == .originated {
      batch.packets[index].path = .route
    } else if batch.packets[index].origin == .released {
      batch.packets[index].path = .deliver
    } else {
      return batch.packets[index].punt(.notOurs)
    }
    batch.requestDestination(batch.packets[index].innerDestination(frame), for: index)
  }

  /// REQUIREMENTS 2.15: the ingress filter uplink, the tunnel of the mobile node's anchor downlink. Asks for the
  /// destinations of mobile nodes that may use local routing.
  /// - Returns: whether there are packets of this machine's own.
  @inline(__always)
  private static func authorize(_ batch: inout PacketBatch, context: borrowing TurnContext) -> Bool {
    var hasOriginated = false
    let end = batch.end
    var index = 0
    while index < end {
      if batch.packets[index].verdict == .undecided {
        switch batch.packets[index].path {
        case .deliver: authorizeDownlink(&batch, index, context: context)
        case .encapsulate: authorizeUplink(&batch, index, context: context)
        default: hasOriginated = true
        }
      }
      index &+= 1
    }
    return hasOriginated
  }

  /// The source is bound, and to this port, MAC and VLAN; then the destination matters where local routing is allowed.
  @inline(always)
  private static func authorizeUplink(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    let frame = context.frame(at: batch.packets[index].address)
    authorizeSource(&batch.packets[index], frame: frame, context: context)
    guard batch.packets[index].verdict == .undecided else { return }
    let binding = context.snapshot.binding(batch.packets[index].source)
    guard binding.localRouting(standard: context.settings.localRouting) else { return }
    // Already on its way: by the other gateway, or a visitor's.
    guard binding.state != .relaying, batch.packets[index].path == .encapsulate else { return }
    if binding.localizedRoutes != nil {
      leaveLocalized(&batch.packets[index], binding, frame: frame, context: context)
    }
    batch.requestDestination(batch.packets[index].innerDestination(frame), for: index)
  }

  @inline(__always)
  private static func authorizeSource(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    guard packet.source != 0 else { return packet.except(.unknownSource, .sourceNotBound) }
    let binding = context.snapshot.binding(packet.source)
    let mac = MACAddress(UInt64(frame.word16(6)) << 32 | UInt64(frame.word32(8)))
    let isOnLink =
      binding.hostsMobileNode && binding.accessPort == context.port && binding.accessMAC == mac
      && binding.accessVLAN == packet.vlan
    context.prefetchTraffic(of: binding)
    guard isOnLink else { return leaveOffLink(&packet, binding, frame: frame, context: context) }
    guard binding.state == .active || mayLeave(&packet, binding) else { return }
    let destination = packet.innerDestination(frame)
    // A tunnel packet of the mobile node's own, not opened on an access port (RPUNT-7).
    if context.settings.isLocal(destination) { return packet.punt(.notOurs) }
    if isRouterAnycast(destination, of: binding) { return packet.punt(.notOurs) }
    // R4443-9: a destination in the sender's own prefix is on the link it came from.
    guard !binding.covers(destination) else {
      return packet.except(.addressUnreachable, .loop)
    }
    // A relaying gateway has no tunnel to the anchor yet (RFC 5949 section 4.1 (j)).
    packet.departureTunnel = binding.state == .relaying ? binding.peer ?? binding.tunnel : binding.tunnel
  }

  /// Uplink packets whose destination was asked for.
  private static func shortCircuit(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.end
    where batch.packets[index].verdict == .undecided && batch.packets[index].path == .encapsulate
      && batch.packets[index].destination != 0
    {
      let frame = context.frame(at: batch.packets[index].address)
      shortCircuit(&batch.packets[index], frame: frame, context: context)
    }
  }

  /// Our own packets: to the mobile node where that is now, else by route.
  private static func leave(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.end
    where batch.packets[index].verdict == .undecided && batch.packets[index].path == .route {
      leave(&batch, index, context: context)
    }
  }

  private static func leave(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    let binding = context.snapshot.binding(batch.packets[index].destination)
    guard batch.packets[index].destination != 0, !binding.isVisitor else {
      batch.packets[index].destination = 0
      let frame = context.frame(at: batch.packets[index].address)
      return batch.requestDestination(batch.packets[index].innerDestination(frame), for: index)
    }
    switch binding.state {
    case .active, .flushing, .relaying: batch.packets[index].path = .deliver
    case .redirecting: redirect(&batch.packets[index], binding)
    case .pending, .buffering: batch.packets[index].drop(.bindingPending)
    case .deregistering: batch.packets[index].drop(.deregistering)
    }
  }

  /// REQUIREMENTS 2.15: the tunnel is the one of the mobile node hosted here; nothing is checked on the source.
  @inline(always)
  private static func authorizeDownlink(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    let frame = context.frame(at: batch.packets[index].address)
    // One that was held knows its tunnel.
    let destination = batch.packets[index].destination
    guard
      batch.packets[index].arrival == .plain
        || batch.packets[index].arrive(expectedBy: destination, frame: frame, context: context)
    else { return }
    authorizeDownlink(&batch.packets[index], frame: frame, context: context)
  }

  @inline(__always)
  private static func authorizeDownlink(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    if context.settings.isLocal(packet.innerDestination(frame)) { return packet.punt(.innerLocal) }
    // Without a binding it is entry 0, whose tunnel is none.
    let binding = context.snapshot.binding(packet.destination)
    context.prefetchTraffic(of: binding)
    guard binding.tunnel == packet.arrivalTunnel && binding.isPlain else {
      return arriveOffCourse(&packet, binding, frame: frame, context: context)
    }
    if isRouterAnycast(packet.innerDestination(frame), of: binding) { packet.punt(.innerLocal) }
  }

  /// Whether an address is the Subnet-Router anycast address of a hosted prefix (RFC 4291 section 2.6.1): this router is
  /// the one it names. A prefix of 127 or 128 bits has none (RFC 6164 section 5.1).
  @inline(__always)
  static func isRouterAnycast(_ address: IPAddress, of binding: BindingEntry) -> Bool {
    binding.isNetwork(address) && address.family == .ipv6 && binding.prefixLength < 127
  }

  /// Local routing (RFC 5213 section 6.10.3): straight to the other mobile node's access link. Where its binding does
  /// not forward, the tunnel remains the way and the anchor decides.
  @inline(__always)
  private static func shortCircuit(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    let binding = context.snapshot.binding(packet.destination)
    guard binding.isPlain || mayStay(&packet, binding, frame: frame, context: context) else { return }
    if isRouterAnycast(packet.innerDestination(frame), of: binding) { return packet.punt(.notOurs) }
    // R4443-9: another prefix of the sender's is on the link it came from as well.
    guard !binding.sharesLink(with: context.snapshot.binding(packet.source)) else {
      return packet.except(.addressUnreachable, .loop)
    }
    context.prefetchTraffic(of: binding)
    packet.departureTunnel = TunnelID(0)
    packet.path = .deliver
  }
}
