import FlowTable

/// The Mobile Access Gateway's stages (RFC 5213 section 6.10.5): access link to tunnel and back, and local routing.
enum GatewayPipeline: Pipeline {
  static var sendsUplink: Bool { true }

  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    Parse.run(&batch, context: context)
    classify(&batch, context: context)
    batch.resolveSources(context.snapshot)
    authorizeSources(&batch, context: context)
    batch.resolveDestinations(context.snapshot)
    authorizeDestinations(&batch, context: context)
    batch.resolveRoutes(context.snapshot)
    Egress.run(&batch, context: context)
  }

  /// Tunnel packets are downlink; what comes from an access port is uplink, and its source is asked for first.
  @inline(__always)
  private static func classify(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.count where batch.packets[index].verdict == .undecided {
      let frame = context.frame(at: batch.packets[index].address)
      if batch.packets[index].origin == .originated {
        batch.packets[index].path = .route
      } else if batch.packets[index].arrival == .tunnelled {
        let tunnel = context.snapshot.tunnel(ofOuter: frame, at: Int(batch.packets[index].network))
        guard tunnel.rawValue != 0 else {
          batch.packets[index].drop(.unknownTunnel)
          continue
        }
        guard batch.packets[index].arrive(by: context.snapshot.tunnel(tunnel)) else { continue }
        batch.packets[index].path = .deliver
      } else if batch.packets[index].origin == .released {
        batch.packets[index].path = .deliver
      } else if context.kinds.contains(.access) {
        batch.packets[index].path = .encapsulate
        batch.request(batch.packets[index].innerSource(frame), for: index)
      } else {
        batch.packets[index].punt(.notOurs)
      }
    }
  }

  /// Ingress filter of REQUIREMENTS 2.15: the source is bound, and to this port, MAC and VLAN. Then asks for the
  /// destination where it matters: all tunnelled packets, and mobile nodes that may use local routing.
  @inline(__always)
  private static func authorizeSources(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.count where batch.packets[index].verdict == .undecided {
      let frame = context.frame(at: batch.packets[index].address)
      if batch.packets[index].path == .encapsulate {
        authorizeSource(&batch.packets[index], frame: frame, context: context)
        guard batch.packets[index].verdict == .undecided else { continue }
        let binding = context.snapshot.binding(batch.packets[index].source)
        guard binding.localRouting(standard: context.settings.localRouting) else { continue }
        // Already on its way: by the other gateway, or a visitor's.
        guard binding.state != .relaying, batch.packets[index].path == .encapsulate else { continue }
        if binding.localizedRoutes != nil {
          leaveLocalized(&batch.packets[index], binding, frame: frame, context: context)
        }
      }
      batch.request(batch.packets[index].innerDestination(frame), for: index)
    }
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
    guard isOnLink else { return leaveOffLink(&packet, binding, frame: frame, context: context) }
    guard binding.state == .active || mayLeave(&packet, binding) else { return }
    let destination = packet.innerDestination(frame)
    // A tunnel packet of the mobile node's own, not opened on an access port (RPUNT-7).
    if context.settings.isLocal(destination) { return packet.punt(.notOurs) }
    if isRouterAnycast(destination, of: binding) { return packet.punt(.notOurs) }
    // R4443-9: a destination in the sender's own prefix is on the link it came from.
    guard destination.family != binding.family || destination.masked(to: binding.prefixLength) != binding.network else {
      return packet.except(.addressUnreachable, .loop)
    }
    // A relaying gateway has no tunnel to the anchor yet (RFC 5949 section 4.1 (j)).
    packet.departureTunnel = binding.state == .relaying ? binding.peer ?? binding.tunnel : binding.tunnel
  }

  @inline(__always)
  private static func authorizeDestinations(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    for index in 0..<batch.count where batch.packets[index].verdict == .undecided {
      if batch.packets[index].path == .deliver {
        let frame = context.frame(at: batch.packets[index].address)
        authorizeDownlink(&batch.packets[index], frame: frame, context: context)
      } else if batch.packets[index].path == .route {
        leave(&batch, index, context: context)
      } else if batch.packets[index].destination != 0 {
        let frame = context.frame(at: batch.packets[index].address)
        shortCircuit(&batch.packets[index], frame: frame, context: context)
      }
    }
  }

  /// Our own packet: to the mobile node where that is now, else by route.
  private static func leave(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    let binding = context.snapshot.binding(batch.packets[index].destination)
    guard batch.packets[index].destination != 0, !binding.isVisitor else {
      batch.packets[index].destination = 0
      let frame = context.frame(at: batch.packets[index].address)
      return batch.request(batch.packets[index].innerDestination(frame), for: index)
    }
    switch binding.state {
    case .active, .flushing, .relaying: batch.packets[index].path = .deliver
    case .redirecting: redirect(&batch.packets[index], binding)
    case .pending, .buffering: batch.packets[index].drop(.bindingPending)
    case .deregistering: batch.packets[index].drop(.deregistering)
    }
  }

  /// REQUIREMENTS 2.15: the tunnel is the one of the mobile node hosted here; nothing is checked on the source.
  @inline(__always)
  private static func authorizeDownlink(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    if context.settings.isLocal(packet.innerDestination(frame)) { return packet.punt(.innerLocal) }
    // Without a binding it is entry 0, whose tunnel is none.
    let binding = context.snapshot.binding(packet.destination)
    guard binding.tunnel == packet.arrivalTunnel && binding.isPlain else {
      return arriveOffCourse(&packet, binding, frame: frame, context: context)
    }
    if isRouterAnycast(packet.innerDestination(frame), of: binding) { packet.punt(.innerLocal) }
  }

  /// Whether an address is the Subnet-Router anycast address of a hosted prefix (RFC 4291 section 2.6.1): this router is
  /// the one it names. A prefix of 127 or 128 bits has none (RFC 6164 section 5.1).
  @inline(__always)
  static func isRouterAnycast(_ address: IPAddress, of binding: BindingEntry) -> Bool {
    binding.family == .ipv6 && binding.prefixLength < 127 && address == binding.network
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
    packet.departureTunnel = TunnelID(0)
    packet.path = .deliver
  }
}
