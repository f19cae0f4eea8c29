import FlowTable

extension AnchorPipeline {
  /// A tunnel packet inside a tunnel packet, both for this anchor: a mobile node's care-of address may be anchored here
  /// itself (RFC 6612 scenario A.1), and so its reverse tunnel comes through that of its gateway. It is opened once more;
  /// what the kernel has to read otherwise is its own.
  @inline(never)
  static func openAgain(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let network = Int(packet.inner)
    guard packet.family == .ipv6, packet.inner != packet.network, packet.outerBinding == 0 else {
      return packet.punt(.innerLocal)
    }
    let end = network + Int(packet.innerLength)
    var upper = OuterHeaders.End(kind: .upper, proto: frame.octet(network + 6), offset: network + IPv6Header.length)
    if ExtensionHeaders.isExtension(upper.proto) { upper = OuterHeaders.walk(frame, network: network, end: end) }
    let isTunnelled = upper.proto == IPv6Header.nextHeaderIPv6 || upper.proto == IPv6Header.nextHeaderIPv4
    guard upper.kind == .fragment || (upper.kind == .upper && isTunnelled) else { return packet.punt(.innerLocal) }
    let tunnel = context.snapshot.tunnel(ofOuter: frame, at: network)
    guard tunnel.rawValue != 0 else { return packet.punt(.innerLocal) }
    // The end of the first tunnel, with its congestion for the second.
    guard Egress.surface(&packet, frame: frame, context: context) else { return packet.drop(.ecn) }
    let first = packet.source
    packet.network = packet.inner
    if upper.kind == .fragment { return packet.hold(.outerFragment, orDrop: .reassemblyFull) }
    let outerTunnel = packet.arrivalTunnel
    let outerLength = UInt64(packet.innerLength)
    let isCarried = packet.arrive(by: context.snapshot.tunnel(tunnel))
    packet.outerTrafficClass = packet.trafficClass
    packet.inner = UInt16(truncatingIfNeeded: upper.offset)
    packet.outerBinding = first
    guard openInner(&packet, isIPv6: upper.proto == IPv6Header.nextHeaderIPv6, end: end, frame: frame) else { return }
    guard isCarried || isSpared(&packet, frame: frame, context: context) else { return }
    packet.source = context.snapshot.lookupBinding(LookupKey(packet.innerSource(frame)))
    packet.destination = context.snapshot.lookupBinding(LookupKey(packet.innerDestination(frame)))
    authorizeUplink(&packet, frame: frame, context: context)
    guard packet.verdict == .undecided else { return }
    // The worker counts the tunnel of the packet that it sends; the one around it has carried that tunnel's packet.
    context.traffic.countUp(tunnel: outerTunnel, bytes: outerLength)
    context.traffic.countUp(binding: context.snapshot.binding(first).counter, bytes: outerLength)
  }

  /// Whether a packet may come by its tunnel although one table's bindings are being revoked there (RFC 5846): its
  /// sender's is in the other one, by the order in which `authorizeUplink` looks. Takes back the verdict of `arrive`.
  @inline(never)
  static func isSpared(
    _ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext
  ) -> Bool {
    let snapshot = context.snapshot
    guard let revoked = snapshot.tunnel(packet.arrivalTunnel).revokedTable else { return false }
    let sender = LookupKey(packet.innerSource(frame))
    let proxy = snapshot.lookupProxyBinding(sender)
    let first = snapshot.lookupBinding(sender)
    let source = snapshot.binding(first).tunnel == packet.arrivalTunnel ? first : proxy
    guard source != 0, revoked != (source == proxy ? .proxy : .mobile) else { return false }
    packet.verdict = .undecided
    return true
  }

  /// The checks that `Parse` makes of an inner packet; false when they have decided it.
  private static func openInner(_ packet: inout PacketState, isIPv6: Bool, end: Int, frame: FrameView) -> Bool {
    packet.family = isIPv6 ? .ipv6 : .ipv4
    let available = end - Int(packet.inner)
    let isValid =
      isIPv6
      ? Parse.validateIPv6(&packet, frame: frame, available: available)
      : Parse.validateIPv4(&packet, frame: frame, available: available)
    guard isValid else { return false }
    let violation = AddressRules.violation(
      source: packet.innerSource(frame), destination: packet.innerDestination(frame))
    if let violation { packet.drop(violation) }
    return violation == nil
  }
}
