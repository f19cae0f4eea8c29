import FlowTable

/// Tunnels unlike others: those that have failed, and those whose far end is anchored at this very machine, so that what
/// enters them enters the tunnel of that address as well (RFC 6612 section 4.2, RFC 2473 section 4.1.2).
enum NestedTunnels {
  /// Tunnels one in another. A care-of address of a care-of address is as far as anyone goes; more is a loop.
  private static let depth = 3

  /// All headers that a packet gets, from the innermost tunnel to the outermost.
  private struct Layers: BitwiseCopyable {
    var tunnels = InlineArray<3, TunnelID>(repeating: TunnelID(0))
    var limits = InlineArray<3, EncapsulationLimit>(repeating: EncapsulationLimit(0))
    var count = 0
    /// Octets of all headers together.
    var overhead = 0
    /// The largest packet that fits through all of them.
    var room = Int.max
    /// What the outermost tunnel's path takes.
    var path = 0
  }

  @inline(never)
  static func encapsulate(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    var layers = Layers()
    packet.outerBinding = 0
    guard collect(&layers, packet: &packet, frame: frame, snapshot: context.snapshot) else { return }
    let fits = Int(packet.innerLength) <= layers.room
    guard fits || TunnelLimit.mayFragmentOuter(packet, frame: frame) else {
      return TunnelLimit.refuse(&packet, mtu: UInt16(clamping: layers.room))
    }
    packet.departureTunnel = layers.tunnels[layers.count - 1]
    let outermost = context.snapshot.tunnel(packet.departureTunnel)
    var plan = Egress.Plan()
    guard Egress.resolve(outermost.nextHop, into: &plan, packet: &packet, context: context) else {
      if packet.verdict == .punt { packet.except(.noRoute, .noRoute) }
      return
    }
    let outer = Int(packet.inner) - layers.overhead
    let length = layers.overhead + Int(packet.innerLength)
    let isPlaced =
      fits
      ? Egress.place(&packet, network: outer, length: length, plan: plan, context: context)
      : TunnelLimit.holdForFragments(&packet, at: outer, length: length, path: layers.path, context: context)
    guard isPlaced else { return }
    Egress.rewriteInner(packet, frame: frame)
    write(layers, packet: packet, frame: frame, context: context)
    if layers.count > 1 { packet.path = .nested }
    if fits { Egress.finish(&packet, frame: frame, network: outer, type: EthernetHeader.typeIPv6, plan: plan) }
  }

  /// From the packet's own tunnel outwards; false when the packet has its verdict. Nothing is written yet.
  private static func collect(
    _ layers: inout Layers, packet: inout PacketState, frame: FrameView, snapshot: TableSnapshot
  ) -> Bool {
    var tunnel = snapshot.tunnel(packet.departureTunnel)
    guard takes(tunnel, packet.destination, of: packet.innerDestination(frame), snapshot: snapshot) else {
      return refuse(&packet, .peerDown)
    }
    guard var limit = TunnelEntrance.limit(&packet, frame: frame, tunnel: tunnel) else { return false }
    while true {
      let mtu = TunnelEntrance.mtu(of: tunnel, with: limit)
      layers.room = min(layers.room, mtu - layers.overhead)
      layers.path = mtu + TunnelHeader.length(limit)
      layers.tunnels[layers.count] = tunnel.id
      layers.limits[layers.count] = limit
      layers.count += 1
      layers.overhead += TunnelHeader.length(limit)
      guard tunnel.isAnchored else { return true }
      guard let next = enclosing(tunnel, layers, packet: &packet, snapshot: snapshot) else { return false }
      // Rules (b) and (c) of RFC 2473 section 4.1.1 for a packet that has just got its limit here.
      if limit.isPresent {
        guard limit.value > 0 else { return refuse(&packet, .encapsulationLimit) }
        limit = EncapsulationLimit(limit.value - 1)
      } else {
        limit = EncapsulationLimit(of: next)
      }
      tunnel = next
    }
  }

  /// The tunnel by which another one's far end is reached; nil when there is none, or none that was not used already.
  private static func enclosing(
    _ tunnel: TunnelEntry, _ layers: Layers, packet: inout PacketState, snapshot: TableSnapshot
  ) -> TunnelEntry? {
    let index = snapshot.lookupBinding(LookupKey(tunnel.remote))
    guard index != 0 else {
      packet.drop(.noBinding)
      return nil
    }
    let binding = snapshot.binding(index)
    if let reason = stateViolation(binding.state) {
      packet.drop(reason)
      return nil
    }
    let next = snapshot.tunnel(binding.tunnel)
    var isLoop = layers.count == depth || index == packet.destination || index == packet.outerBinding
    for position in 0..<layers.count where layers.tunnels[position] == next.id { isLoop = true }
    guard !isLoop, next.exists, takes(next, index, of: tunnel.remote, snapshot: snapshot) else {
      packet.drop(isLoop ? .loop : next.exists ? .peerDown : .unknownTunnel)
      return nil
    }
    packet.outerBinding = index
    return next
  }

  /// Whether a tunnel takes packets for an address, whose binding this is: not if the far end has failed, or the bindings of
  /// its table are being revoked (RFC 5846).
  private static func takes(
    _ tunnel: TunnelEntry, _ binding: UInt32, of address: IPAddress, snapshot: TableSnapshot
  ) -> Bool {
    guard let revoked = tunnel.revokedTable else { return tunnel.carriesAll }
    return revoked != (binding == snapshot.lookupProxyBinding(LookupKey(address)) ? .proxy : .mobile)
  }

  private static func refuse(_ packet: inout PacketState, _ reason: DropReason) -> Bool {
    packet.drop(reason)
    return false
  }

  /// The headers from the inside out: each is the packet of the next.
  private static func write(
    _ layers: Layers, packet: PacketState, frame: FrameView, context: borrowing TurnContext
  ) {
    var inside = TunnelPayload(packet)
    for position in 0..<layers.count {
      let tunnel = context.snapshot.tunnel(layers.tunnels[position])
      let limit = layers.limits[position]
      let outer = inside.offset - TunnelHeader.length(limit)
      TunnelHeader.write(frame, at: outer, payload: inside, tunnel: tunnel, limit: limit, settings: context.settings)
      inside.trafficClass = ExplicitCongestion.outerTrafficClass(inner: inside.trafficClass, tunnel: tunnel)
      inside.length += TunnelHeader.length(limit)
      inside.offset = outer
      inside.family = .ipv6
    }
  }
}
