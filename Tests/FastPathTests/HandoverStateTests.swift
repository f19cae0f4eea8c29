import FastPath
import FlowTable
import Testing

/// What each state of a handover means for packets from the access link, from the anchor and from the other gateway
/// (RFC 5949 section 4, CONTRACT's states).
@Suite struct HandoverStateTests {
  private static let anchor = SamplePackets.anchor
  private static let gateway2 = SamplePackets.gateway2
  private static let node1 = SamplePackets.mobileNode1
  private static let correspondent = SamplePackets.correspondent

  private static func down(_ number: UInt8 = 0) -> [UInt8] {
    MobilityDomain.inner(from: correspondent, to: node1, number)
  }
  private static func up(_ number: UInt8 = 0) -> [UInt8] {
    MobilityDomain.inner(from: node1, to: correspondent, number)
  }
  private static let downForwarded = MobilityDomain.forwarded(from: correspondent, to: node1)
  private static let upForwarded = MobilityDomain.forwarded(from: node1, to: correspondent)

  /// R5949-2 and R5949-3: the previous gateway.
  @Test func redirecting() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.redirecting, peer: domain.peer), try domain.node2())
    let redirected = try #require(domain.arrive(from: Self.anchor, Self.down()).only)
    #expect(redirected.port == 0)
    #expect(redirected.packet == MobilityDomain.outer(to: Self.gateway2, Self.downForwarded))
    let relayed = try #require(domain.arrive(from: Self.gateway2, Self.up()).only)
    #expect(relayed.port == 0 && relayed.packet == MobilityDomain.outer(to: Self.anchor, Self.upForwarded))
    // The node may still be here.
    let sent = try #require(domain.leave(MobilityDomain.node1MAC, Self.up()).only)
    #expect(sent.packet == MobilityDomain.outer(to: Self.anchor, Self.upForwarded))
    // R5949-10: of MN1 only, from its peer only, and never back.
    let other = MobilityDomain.inner(from: SamplePackets.mobileNode2, to: Self.correspondent)
    #expect(domain.arrive(from: Self.gateway2, other).fate == .dropped(.sourceNotBound))
    #expect(domain.arrive(from: Self.gateway2, Self.down()).fate == .dropped(.unknownTunnel))
    #expect(domain.arrive(from: MobilityDomain.rogue, Self.up()).fate == .dropped(.unknownTunnel))
    #expect(domain.arrive(from: Self.anchor, Self.up()).fate == .dropped(.notOnLink))
    let counts = (domain.writer.tunnelTraffic(domain.anchor), domain.writer.tunnelTraffic(domain.peer))
    #expect(counts.0.down.packets == 1 && counts.1.down.packets == 1)
    #expect(counts.0.up.packets == 2 && counts.1.up.packets == 1)
    let binding = try #require(domain.writer.bindingTraffic(try domain.node1().key))
    #expect(binding.down.packets == 1 && binding.up.packets == 2)
    // Back into the tunnel that it came by would be for ever.
    try domain.set(try domain.node1(.redirecting, peer: domain.anchor))
    #expect(domain.arrive(from: Self.anchor, Self.down()).fate == .dropped(.loop))
    domain.expectInvariant()
  }

  /// The new gateway before its registration.
  @Test func relaying() throws {
    let domain = try MobilityDomain(localRouting: true)
    try domain.set(try domain.node1(.relaying, peer: domain.peer), try domain.node2())
    let sent = try #require(domain.leave(MobilityDomain.node1MAC, Self.up()).only)
    #expect(sent.packet == MobilityDomain.outer(to: Self.gateway2, Self.upForwarded))
    // Local routing waits for the registration.
    let local = MobilityDomain.inner(from: Self.node1, to: SamplePackets.mobileNode2)
    #expect(domain.leave(MobilityDomain.node1MAC, local).only?.port == 0)
    for source in [Self.gateway2, Self.anchor] {
      let delivered = try #require(domain.arrive(from: source, Self.down()).only)
      #expect(delivered.port == 1 && delivered.packet == Self.downForwarded)
    }
    domain.expectInvariant()
  }

  /// Tunnels by which packets are taken, in each state; what is not in the list is `unknown-tunnel`.
  @Test func peerIsHeardOnlyDuringTheHandover() throws {
    let domain = try MobilityDomain()
    let peer = domain.peer
    let states: [(Binding, OfflinePlane.Outcome.Fate)] = [
      (try domain.node1(), .dropped(.unknownTunnel)),
      (try domain.node1(.active, peer: peer, isFlushed: true), .transmitted),
      (try domain.node1(.flushing, peer: peer), .transmitted),
      (try domain.node1(.relaying, peer: peer), .transmitted),
      (try domain.node1(.flushing), .dropped(.unknownTunnel)),
      (try domain.node1(.redirecting, peer: peer), .dropped(.unknownTunnel)),
      (try domain.node1(.pending, peer: peer), .dropped(.bindingPending)),
      (try domain.node1(.deregistering, peer: peer), .dropped(.deregistering)),
      (try domain.node1(.buffering, peer: peer), .held),
    ]
    for (binding, fate) in states {
      try domain.set(binding)
      #expect(domain.arrive(from: Self.gateway2, Self.down()).fate == fate, "\(binding.state) \(binding.isFlushed)")
    }
    // The anchor's own packets are held behind that one.
    #expect(domain.arrive(from: Self.anchor, Self.down()).fate == .held)
    domain.expectInvariant()
  }

  @Test func uplinkByState() throws {
    let domain = try MobilityDomain()
    for state in [BindingState.active, .redirecting, .buffering, .flushing] {
      try domain.set(try domain.node1(state, peer: domain.peer))
      let sent = try #require(domain.leave(MobilityDomain.node1MAC, Self.up()).only)
      #expect(sent.packet == MobilityDomain.outer(to: Self.anchor, Self.upForwarded), "\(state)")
      // R6705-6, S-35: another's source does not get anywhere in any state.
      #expect(domain.leave(MobilityDomain.node2MAC, Self.up()).fate == .dropped(.notOnLink))
    }
    try domain.set(try domain.node1(.pending))
    #expect(domain.leave(MobilityDomain.node1MAC, Self.up()).fate == .dropped(.bindingPending))
    try domain.set(try domain.node1(.deregistering))
    #expect(domain.leave(MobilityDomain.node1MAC, Self.up()).fate == .dropped(.deregistering))
    domain.expectInvariant()
  }

  /// S-55, S-59 and R5568-1: held, then paced and in order, then live; what comes meanwhile goes behind.
  @Test func bufferingThenFlushing() throws {
    let domain = try MobilityDomain()
    let holding = try #require(domain.table.handoverLedger.open())
    let ms = MobilityDomain.millisecond
    try domain.set(try domain.node1(.buffering, peer: domain.peer, holding: holding))
    for number in 0..<20 {
      // From both tunnels in turn.
      let outcome = domain.arrive(
        from: number % 2 == 0 ? Self.anchor : Self.gateway2, Self.down(UInt8(number)), now: UInt64(number) * 10 * ms)
      #expect(outcome.fate == .held && outcome.slot != nil && outcome.sent.isEmpty)
    }
    #expect(domain.table.handoverLedger.held(holding) == 20)
    #expect(domain.plane.serve(now: 200 * ms).isEmpty)
    try domain.set(try domain.node1(.flushing, peer: domain.peer, holding: holding))
    let start = 250 * ms
    #expect(domain.plane.nextDeadline == 0)
    var left: [(at: UInt64, packet: [UInt8])] = []
    func serve(_ now: UInt64) {
      for (_, outcome) in domain.plane.serve(now: now) {
        #expect(outcome.only?.port == 1)
        left.append((now, outcome.only?.packet ?? []))
      }
    }
    serve(start)
    #expect(left.count == 5)
    // Live, and behind the others.
    #expect(domain.arrive(from: Self.anchor, Self.down(20), now: start).fate == .held)
    // The registry's flushing ends while the drain goes on.
    try domain.set(try domain.node1(.active, peer: domain.peer, isFlushed: true, holding: holding))
    serve(start)
    #expect(domain.arrive(from: Self.gateway2, Self.down(21), now: start).fate == .held)
    while let deadline = domain.plane.nextDeadline, deadline < 10_000 * ms { serve(max(start, deadline)) }
    let expected = (0..<22).map { MobilityDomain.forwarded(from: Self.correspondent, to: Self.node1, UInt8($0)) }
    #expect(left.map(\.packet) == expected)
    // 10 ms first, since the first interval was set before anyone joined; then an eighth less.
    #expect(left[5].at - start == 10 * ms)
    for pair in zip(left[5...], left[6...]) { #expect(pair.1.at - pair.0.at == 10 * ms * 7 / 8) }
    #expect(domain.arrive(from: Self.anchor, Self.down(22), now: start).fate == .transmitted)
    #expect(domain.table.handoverLedger.held(holding) == 0)
    let traffic =
      domain.writer.tunnelTraffic(domain.anchor).down.packets + domain.writer.tunnelTraffic(domain.peer).down.packets
    #expect(traffic == 23)
    domain.expectInvariant()
  }

  /// The access link and the state of now count, not those of when the packet came.
  @Test func releaseGoesWhereTheNodeIsNow() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.buffering))
    for number in 0..<2 { #expect(domain.arrive(from: Self.anchor, Self.down(UInt8(number))).fate == .held) }
    var moved = try domain.node1(.redirecting, peer: domain.peer)
    try domain.set(moved)
    // Held before live here as well.
    #expect(domain.arrive(from: Self.anchor, Self.down(2)).fate == .held)
    let redirected = domain.plane.serve(now: 1).compactMap(\.outcome.only)
    #expect(
      redirected.map(\.packet)
        == (0..<3).map {
          MobilityDomain.outer(
            to: Self.gateway2, MobilityDomain.forwarded(from: Self.correspondent, to: Self.node1, UInt8($0)))
        })
    try domain.set(try domain.node1(.buffering))
    #expect(domain.arrive(from: Self.anchor, Self.down()).fate == .held)
    moved = try domain.node1(.flushing)
    moved.access = AccessLink(port: 2, mac: try SampleDomain.mac("02:00:00:00:02:20"), vlan: nil)
    try domain.set(moved)
    let delivered = domain.plane.serve(now: 2).compactMap { $0.outcome.sent.first }
    #expect(delivered.count == 1 && delivered[0].port == 2)
    #expect(Array(delivered[0].frame.prefix(6)) == MobilityDomain.node2MAC)
    domain.expectInvariant()
  }

  @Test(arguments: [BindingState.active, .pending, .deregistering, nil])
  func cancelling(_ state: BindingState?) throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.buffering, peer: domain.peer), try domain.node2(.buffering))
    for number in 0..<9 { #expect(domain.arrive(from: Self.gateway2, Self.down(UInt8(number))).fate == .held) }
    let other = MobilityDomain.inner(from: Self.correspondent, to: SamplePackets.mobileNode2)
    #expect(domain.arrive(from: Self.anchor, other).fate == .held)
    if let state {
      try domain.set(try domain.node1(state))
    } else {
      try domain.writer.apply([.remove(try domain.node1().key)])
    }
    let fates = domain.plane.serve(now: 1).map(\.outcome.fate)
    #expect(fates == [OfflinePlane.Outcome.Fate](repeating: .dropped(.bufferCancelled), count: 9))
    #expect(domain.plane.counters.drops(.bufferCancelled) == 9)
    // The other node's packet waits on.
    #expect(domain.table.handoverLedger.heldTotal == 1)
    domain.expectInvariant()
  }

  /// R5568-3: limits of a node and of all, exact; the newest goes, others are unaffected, and one notice a turn.
  @Test func limitsAndAges() throws {
    let limits = HandoverLimits(perMobileNode: 4, total: 6, timeout: 1000)
    let domain = try MobilityDomain(buffers: limits)
    let holding = try #require(domain.table.handoverLedger.open())
    try domain.set(try domain.node1(.buffering, holding: holding), try domain.node2(.buffering))
    let other = MobilityDomain.inner(from: Self.correspondent, to: SamplePackets.mobileNode2)
    for number in 0..<4 { #expect(domain.arrive(from: Self.anchor, Self.down(UInt8(number)), now: 10).fate == .held) }
    let refused = domain.arrive(from: Self.anchor, Self.down(4), now: 10)
    #expect(refused.fate == .dropped(.bufferFull) && refused.exceptions.map(\.kind) == [.bufferOverflow])
    for _ in 0..<2 { #expect(domain.arrive(from: Self.anchor, other, now: 20).fate == .held) }
    #expect(domain.arrive(from: Self.anchor, other, now: 20).fate == .dropped(.bufferFull))
    #expect(domain.plane.nextDeadline == 1010 || domain.plane.nextDeadline == 0)
    #expect(domain.plane.serve(now: 1009).isEmpty && domain.plane.nextDeadline == 1010)
    #expect(domain.plane.serve(now: 1010).map(\.outcome.fate) == Array(repeating: .dropped(.bufferTimeout), count: 4))
    #expect(domain.arrive(from: Self.anchor, Self.down(5), now: 1010).fate == .held)
    domain.expectInvariant()
  }

  /// Congestion on the way reaches the mobile node although the packet waited (RFC 6040), and hop limits count at release.
  @Test func congestionAndHopLimit() throws {
    let domain = try MobilityDomain()
    try domain.set(try domain.node1(.buffering))
    func arrive(inner: UInt8, outer: UInt8, hopLimit: UInt8 = 64) -> OfflinePlane.Outcome {
      let packet = SamplePackets.ipv6(
        source: Self.correspondent, destination: Self.node1, next: 253, hopLimit: hopLimit, trafficClass: inner, [7])
      let tunnelled = SamplePackets.ipv6(
        source: Self.anchor, destination: SamplePackets.gateway1, next: 41, trafficClass: outer, packet)
      return domain.plane.process(
        SamplePackets.ethernet(
          to: MobilityDomain.gatewayMAC, from: SamplePackets.transportMAC, type: 0x86dd, tunnelled), port: 0)
    }
    #expect(arrive(inner: 2, outer: 3).fate == .held)
    #expect(arrive(inner: 0, outer: 3).fate == .dropped(.ecn))
    #expect(arrive(inner: 0, outer: 0, hopLimit: 1).fate == .held)
    try domain.set(try domain.node1(.flushing))
    let served = domain.plane.serve(now: 1).map(\.outcome)
    #expect(served.map(\.fate) == [.transmitted, .dropped(.hopLimit)])
    #expect(served[1].exceptions.map(\.kind) == [.timeExceeded])
    let delivered = try #require(served[0].only).packet
    #expect(
      delivered
        == SamplePackets.ipv6(
          source: Self.correspondent, destination: Self.node1, next: 253, hopLimit: 63, trafficClass: 3, [7]))
    domain.expectInvariant()
  }
}
