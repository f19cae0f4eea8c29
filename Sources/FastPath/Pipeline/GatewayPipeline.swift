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
        batch.packets[index].arrive(by: context.snapshot.tunnel(tunnel))
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
      }
      batch.request(batch.packets[index].innerDestination(frame), for: index)
    }
  }

  @inline(__always)
  private static func authorizeSource(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    guard packet.source != 0 else { return packet.drop(.sourceNotBound) }
    let binding = context.snapshot.binding(packet.source)
    let mac = MACAddress(UInt64(frame.word16(6)) << 32 | UInt64(frame.word32(8)))
    let isOnLink =
      binding.hasAccess && binding.accessPort == context.port && binding.accessMAC == mac
      && binding.accessVLAN == packet.vlan
    guard isOnLink else { return packet.drop(.notOnLink) }
    if let reason = stateViolation(binding.state) { return packet.drop(reason) }
    let destination = packet.innerDestination(frame)
    // A tunnel packet of the mobile node's own, not opened on an access port (RPUNT-7).
    if context.settings.isLocal(destination) { return packet.punt(.notOurs) }
    if isRouterAnycast(destination, of: binding) { return packet.punt(.notOurs) }
    // R4443-9: a destination in the sender's own prefix is on the link it came from.
    guard destination.family != binding.family || destination.masked(to: binding.prefixLength) != binding.network else {
      return packet.except(.addressUnreachable, .loop)
    }
    packet.departureTunnel = binding.tunnel
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
        shortCircuit(&batch.packets[index], frame: frame, snapshot: context.snapshot)
      }
    }
  }

  /// Our own packet: to the access link of a mobile node that is here, else by route.
  private static func leave(_ batch: inout PacketBatch, _ index: Int, context: borrowing TurnContext) {
    guard batch.packets[index].destination != 0 else {
      let frame = context.frame(at: batch.packets[index].address)
      return batch.request(batch.packets[index].innerDestination(frame), for: index)
    }
    let binding = context.snapshot.binding(batch.packets[index].destination)
    if let reason = stateViolation(binding.state) { return batch.packets[index].drop(reason) }
    batch.packets[index].path = .deliver
  }

  /// REQUIREMENTS 2.15: the tunnel is the one of the mobile node hosted here; nothing is checked on the source.
  @inline(__always)
  private static func authorizeDownlink(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    if context.settings.isLocal(packet.innerDestination(frame)) { return packet.punt(.innerLocal) }
    guard packet.destination != 0 else { return packet.drop(.notOnLink) }
    let binding = context.snapshot.binding(packet.destination)
    guard binding.tunnel == packet.arrivalTunnel else { return packet.drop(.unknownTunnel) }
    if let reason = stateViolation(binding.state) { return packet.drop(reason) }
    if isRouterAnycast(packet.innerDestination(frame), of: binding) { packet.punt(.innerLocal) }
  }

  /// Whether an address is the Subnet-Router anycast address of a hosted prefix (RFC 4291 section 2.6.1): this router is
  /// the one it names. A prefix of 127 or 128 bits has none (RFC 6164 section 5.1).
  @inline(__always)
  private static func isRouterAnycast(_ address: IPAddress, of binding: BindingEntry) -> Bool {
    binding.family == .ipv6 && binding.prefixLength < 127 && address == binding.network
  }

  /// Local routing (RFC 5213 section 6.10.3): straight to the other mobile node's access link. Where its binding does
  /// not forward, the tunnel remains the way and the anchor decides.
  @inline(__always)
  private static func shortCircuit(_ packet: inout PacketState, frame: FrameView, snapshot: TableSnapshot) {
    let binding = snapshot.binding(packet.destination)
    if isRouterAnycast(packet.innerDestination(frame), of: binding) { return packet.punt(.notOurs) }
    guard stateViolation(binding.state) == nil else {
      packet.destination = 0
      return
    }
    packet.departureTunnel = TunnelID(0)
    packet.path = .deliver
  }
}
