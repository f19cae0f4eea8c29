import FastPath
import FlowTable
import Testing

/// Packets between mobile nodes and ordinary hosts past the anchor (RFC 5213 section 6.10.3, RFC 6705).
@Suite struct LocalRoutingTests {
  private static let node1 = SamplePackets.mobileNode1
  private static let node2 = SamplePackets.mobileNode2
  private static let node3 = SamplePackets.address([0x2001, 0xdb8, 0x100, 3, 0, 0, 0, 0x30])

  private func routes(_ domain: MobilityDomain, receiveOnly: Bool = false) throws -> LocalizedRoutesID {
    try domain.writer.addLocalizedRoutes([
      LocalizedRoute(
        to: try SampleDomain.prefix("2001:db8:100:3::/64"), tunnel: domain.peer, isReceiveOnly: receiveOnly)
    ])
  }

  /// R6705-5, -7 and -11: MN1 here, MN3 at MAG2.
  @Test func localizedRouteBetweenGateways() throws {
    let domain = try MobilityDomain(localRouting: true)
    try domain.set(try domain.node1(routes: try routes(domain)), try domain.node2())
    let up = MobilityDomain.inner(from: Self.node1, to: Self.node3)
    let sent = try #require(domain.leave(MobilityDomain.node1MAC, up).only)
    #expect(
      sent.packet
        == MobilityDomain.outer(
          to: SamplePackets.gateway2, MobilityDomain.forwarded(from: Self.node1, to: Self.node3)))
    let received = try #require(
      domain.arrive(from: SamplePackets.gateway2, MobilityDomain.inner(from: Self.node3, to: Self.node1)).only)
    #expect(received.port == 1 && received.packet == MobilityDomain.forwarded(from: Self.node3, to: Self.node1))
    let foreign = MobilityDomain.inner(from: SamplePackets.correspondent, to: Self.node1)
    #expect(domain.arrive(from: SamplePackets.gateway2, foreign).fate == .dropped(.sourceNotBound))
    #expect(domain.arrive(from: SamplePackets.anchor, foreign).fate == .transmitted)
    // A pair: MN2 has no route to MN3, nor may MN3 reach it by that tunnel.
    let other = MobilityDomain.inner(from: Self.node2, to: Self.node3)
    #expect(
      domain.leave(MobilityDomain.node2MAC, other, port: 2).only?.packet
        == MobilityDomain.outer(
          to: SamplePackets.anchor, MobilityDomain.forwarded(from: Self.node2, to: Self.node3)))
    let toOther = MobilityDomain.inner(from: Self.node3, to: Self.node2)
    #expect(domain.arrive(from: SamplePackets.gateway2, toOther).fate == .dropped(.unknownTunnel))
    domain.expectInvariant()
  }

  /// R6705-3: whatever makes a route unusable, the next packet takes the tunnel.
  @Test func fallsBackToTheAnchor() throws {
    let domain = try MobilityDomain(localRouting: true)
    let up = MobilityDomain.inner(from: Self.node1, to: Self.node3)
    func way() -> [UInt8]? { domain.leave(MobilityDomain.node1MAC, up).only.map { Array($0.packet[24..<40]) } }
    try domain.set(try domain.node1(routes: try routes(domain)))
    #expect(way() == SamplePackets.gateway2)
    let settings = try #require(domain.writer.tunnelSettings(domain.peer))
    var failed = settings
    failed.isFailed = true
    try domain.writer.updateTunnel(domain.peer, settings: failed, nextHop: domain.transport)
    #expect(way() == SamplePackets.anchor)
    #expect(
      domain.arrive(from: SamplePackets.gateway2, MobilityDomain.inner(from: Self.node3, to: Self.node1)).fate
        == .dropped(.peerDown))
    try domain.writer.updateTunnel(domain.peer, settings: settings, nextHop: try domain.writer.addNextHop(.unresolved))
    #expect(way() == SamplePackets.anchor)
    try domain.writer.updateTunnel(domain.peer, settings: settings, nextHop: domain.transport)
    #expect(way() == SamplePackets.gateway2)
    try domain.set(try domain.node1(routes: try routes(domain, receiveOnly: true)))
    #expect(way() == SamplePackets.anchor)
    #expect(
      domain.arrive(from: SamplePackets.gateway2, MobilityDomain.inner(from: Self.node3, to: Self.node1)).fate
        == .transmitted)
    try domain.set(try domain.node1(localRouting: false, routes: try routes(domain)))
    #expect(way() == SamplePackets.anchor)
    try domain.set(try domain.node1())
    #expect(way() == SamplePackets.anchor)
    domain.expectInvariant()
  }

  /// S-61 and R5213-17: the sender's own rule, then the flag; only to where a node is active.
  @Test(arguments: [true, false])
  func betweenNodesOfOneGateway(_ flag: Bool) throws {
    let domain = try MobilityDomain(localRouting: flag)
    let packet = MobilityDomain.inner(from: Self.node1, to: Self.node2)
    for rule in [nil, true, false] {
      try domain.set(try domain.node1(localRouting: rule), try domain.node2(localRouting: rule.map { !$0 }))
      let sent = try #require(domain.leave(MobilityDomain.node1MAC, packet).only)
      let isLocal = rule ?? flag
      #expect(sent.port == (isLocal ? 2 : 0))
      if isLocal { #expect(sent.packet == MobilityDomain.forwarded(from: Self.node1, to: Self.node2)) }
      for state in [BindingState.pending, .deregistering, .redirecting, .buffering, .flushing, .relaying] {
        try domain.set(try domain.node2(state))
        #expect(domain.leave(MobilityDomain.node1MAC, packet).only?.port == 0, "\(state)")
      }
    }
    domain.expectInvariant()
  }

  /// What waits behind held packets on its way between two access links counts for both when it leaves.
  @Test func countsWhenHeldOnItsWay() throws {
    let domain = try MobilityDomain(localRouting: true)
    let holding = try #require(domain.table.handoverLedger.open())
    func node2(_ state: BindingState, isFlushed: Bool = false) throws -> Binding {
      var binding = try domain.node2(state)
      (binding.holding, binding.isFlushed) = (holding, isFlushed)
      return binding
    }
    try domain.set(try domain.node1(), try node2(.buffering))
    let fromAnchor = MobilityDomain.inner(from: SamplePackets.correspondent, to: Self.node2)
    #expect(domain.arrive(from: SamplePackets.anchor, fromAnchor).fate == .held)
    try domain.set(try node2(.active, isFlushed: true))
    let packet = MobilityDomain.inner(from: Self.node1, to: Self.node2, 7)
    #expect(domain.leave(MobilityDomain.node1MAC, packet).fate == .held)
    domain.expectInvariant()
    let served = domain.plane.serve(now: 1_000_000_000)
    #expect(served.map(\.outcome.fate) == [.transmitted, .transmitted])
    #expect(served.last?.outcome.only?.packet == MobilityDomain.forwarded(from: Self.node1, to: Self.node2, 7))
    let counts = try (
      #require(domain.writer.bindingTraffic(domain.node1().key)),
      #require(domain.writer.bindingTraffic(domain.node2().key))
    )
    #expect(counts.0.up == Traffic.Count(packets: 1, bytes: UInt64(packet.count)) && counts.0.down.packets == 0)
    #expect(counts.1.down.packets == 2 && counts.1.up.packets == 0)
    domain.expectInvariant()
  }

  /// R5213-18, S-63 and S-64.
  @Test func visitors() throws {
    let domain = try MobilityDomain(localRouting: true)
    try domain.set(try domain.node1(), try domain.node2(localRouting: false), try domain.visitors())
    let toNode = MobilityDomain.inner(from: MobilityDomain.host, to: Self.node1)
    let delivered = try #require(domain.leave(MobilityDomain.hostMAC, toNode).only)
    #expect(
      delivered.port == 1 && delivered.packet == MobilityDomain.forwarded(from: MobilityDomain.host, to: Self.node1))
    #expect(domain.leave(MobilityDomain.hostMAC, toNode, port: 2).fate == .dropped(.notOnLink))
    for destination in [SamplePackets.correspondent, Self.node2, Self.node3, MobilityDomain.host] {
      let packet = MobilityDomain.inner(from: MobilityDomain.host, to: destination)
      let outcome = domain.leave(MobilityDomain.hostMAC, packet)
      #expect(outcome.fate == .kernel(.visitor) && outcome.kernelPacket == packet)
    }
    // To a visitor: natively from a node here, not at all from the tunnel.
    let toHost = MobilityDomain.inner(from: Self.node1, to: MobilityDomain.host)
    #expect(domain.leave(MobilityDomain.node1MAC, toHost).fate == .kernel(.visitor))
    // With its own rule off it takes the tunnel.
    #expect(
      domain.leave(MobilityDomain.node2MAC, MobilityDomain.inner(from: Self.node2, to: MobilityDomain.host), port: 2)
        .only?.port == 0)
    #expect(
      domain.arrive(
        from: SamplePackets.anchor, MobilityDomain.inner(from: SamplePackets.correspondent, to: MobilityDomain.host)
      ).fate == .dropped(.notOnLink))
    // Not even from link-layer address zero, which the entry has.
    let forged = domain.leave([0, 0, 0, 0, 0, 0], MobilityDomain.inner(from: MobilityDomain.host, to: Self.node3))
    #expect(forged.fate == .kernel(.visitor))
    domain.expectInvariant()
  }

  @Test func unknownSourceIsNews() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1())
    let outcome = domain.leave(
      MobilityDomain.hostMAC, MobilityDomain.inner(from: MobilityDomain.rogue, to: SamplePackets.correspondent))
    #expect(outcome.fate == .dropped(.sourceNotBound))
    let notice = try #require(outcome.exceptions.first)
    #expect(notice.kind == .unknownSource && notice.port == 1)
    #expect(Array(notice.octets.prefix(6)) == MobilityDomain.hostMAC)
    let header = notice.octets.dropFirst(Int(notice.detail))
    #expect(Array(header.dropFirst(8).prefix(16)) == MobilityDomain.rogue)
  }
}
