import FastPath
import FlowTable
import Testing

/// A care-of address that is anchored at this very anchor (RFC 6612 scenario A.1, S-21 and S-52), and failed tunnels.
@Suite struct NestedTunnelTests {
  private static let home = SamplePackets.address([0x2001, 0xdb8, 0x100, 5, 0, 0, 0, 5])
  /// In MN1's prefix, which is at MAG1.
  private static let careOf = SamplePackets.address([0x2001, 0xdb8, 0x100, 1, 0, 0, 0, 0xc0])
  private static let correspondent = SamplePackets.correspondent

  private let domain: SampleDomain
  private let inner: TunnelID
  private let outer: TunnelID
  private let transport: NextHopID

  init() throws {
    domain = try SampleDomain.anchor(labels: false)
    let local = try SampleDomain.address("2001:db8:1::1")
    let endpoints = TunnelEndpoints(local: local, remote: try SampleDomain.address("2001:db8:100:1::c0"))
    inner = try domain.writer.addTunnel(
      TunnelSettings(endpoints: endpoints, isAnchored: true), nextHop: NextHopID(0))
    outer = try #require(
      domain.writer.tunnel(TunnelEndpoints(local: local, remote: try SampleDomain.address("2001:db8:a::1"))))
    transport = try domain.writer.addNextHop(
      .resolved(
        Adjacency(
          port: 1, destination: try SampleDomain.mac("02:00:00:00:0a:01"),
          source: try SampleDomain.mac("02:00:00:00:01:02"))))
    try set("2001:db8:100:5::5/128", inner)
  }

  private func set(_ prefix: String, _ tunnel: TunnelID, _ table: BindingTable = .mobile) throws {
    let key = BindingKey(table: table, prefix: try SampleDomain.prefix(prefix))
    try domain.writer.apply([.set(Binding(key: key, tunnel: tunnel))])
  }

  private func configure(_ tunnel: TunnelID, _ change: (inout TunnelSettings) -> Void) throws {
    var settings = try #require(domain.writer.tunnelSettings(tunnel))
    change(&settings)
    try domain.writer.updateTunnel(tunnel, settings: settings, nextHop: tunnel == inner ? NextHopID(0) : transport)
  }

  private func down(to destination: [UInt8] = home, _ payload: [UInt8] = [1, 2, 3]) -> OfflinePlane.Outcome {
    let packet = SamplePackets.ipv6(source: Self.correspondent, destination: destination, next: 253, payload)
    return domain.plane.process(
      SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x86dd, packet), port: 0)
  }

  private func up(_ inside: [UInt8]) -> OfflinePlane.Outcome {
    let packet = SamplePackets.ipv6(source: SamplePackets.gateway1, destination: SamplePackets.anchor, next: 41, inside)
    return domain.plane.process(
      SamplePackets.ethernet(to: SamplePackets.transportMAC, from: SamplePackets.peerMAC, type: 0x86dd, packet), port: 1
    )
  }

  private static func forwarded(_ payload: [UInt8] = [1, 2, 3]) -> [UInt8] {
    SamplePackets.ipv6(source: correspondent, destination: home, next: 253, hopLimit: 63, payload)
  }

  @Test func bothTunnelsInOneTurn() throws {
    let outcome = down()
    let sent = try #require(outcome.sent.first)
    let first = SamplePackets.ipv6(source: SamplePackets.anchor, destination: Self.careOf, next: 41, Self.forwarded())
    let second = SamplePackets.ipv6(source: SamplePackets.anchor, destination: SamplePackets.gateway1, next: 41, first)
    #expect(outcome.sent.count == 1 && sent.port == 1 && Array(sent.frame.dropFirst(14)) == second)
    let counts = (domain.writer.tunnelTraffic(inner).down, domain.writer.tunnelTraffic(outer).down)
    #expect(counts.0 == Traffic.Count(packets: 1, bytes: 43) && counts.1 == Traffic.Count(packets: 1, bytes: 83))
  }

  @Test func limitsCountDown() throws {
    try configure(inner) { $0.encapsulationLimit = 4 }
    let sent = try #require(down().sent.first)
    func options(_ limit: UInt8) -> [UInt8] { [41, 0, 4, 1, limit, 1, 1, 0] }
    let first = SamplePackets.ipv6(
      source: SamplePackets.anchor, destination: Self.careOf, next: 60, options(4) + Self.forwarded())
    let second = SamplePackets.ipv6(
      source: SamplePackets.anchor, destination: SamplePackets.gateway1, next: 60, options(3) + first)
    #expect(Array(sent.frame.dropFirst(14)) == second)
    try configure(inner) { $0.encapsulationLimit = 0 }
    #expect(down().fate == .dropped(.encapsulationLimit))
  }

  /// R2473-15: an address cannot be reached by itself, nor in a circle.
  @Test func loopsEnd() throws {
    // The care-of address is in the very prefix that it serves.
    try set("2001:db8:100:1::/64", inner)
    #expect(down(to: SamplePackets.mobileNode1).fate == .dropped(.loop))
    // One by another and back.
    let local = try SampleDomain.address("2001:db8:1::1")
    let back = try domain.writer.addTunnel(
      TunnelSettings(
        endpoints: TunnelEndpoints(local: local, remote: try SampleDomain.address("2001:db8:100:5::5")),
        isAnchored: true), nextHop: NextHopID(0))
    try set("2001:db8:100:1::/64", back)
    #expect(down().fate == .dropped(.loop))
    #expect(down(to: SamplePackets.mobileNode1).fate == .dropped(.loop))
  }

  @Test func farEndMustBeReachable() throws {
    try domain.writer.apply([
      .remove(BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:1::/64")))
    ])
    #expect(down().fate == .dropped(.noBinding))
    let key = BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:1::/64"))
    try domain.writer.apply([.set(Binding(key: key, tunnel: outer, state: .deregistering))])
    #expect(down().fate == .dropped(.deregistering))
  }

  /// The largest packet is what both tunnels leave: MTU 1460 less the inner tunnel's header.
  @Test func largestPacketFitsBoth() throws {
    #expect(down([UInt8](repeating: 0, count: 1420 - 40)).fate == .transmitted)
    let refused = down([UInt8](repeating: 0, count: 1421 - 40))
    #expect(refused.fate == .dropped(.tooBig))
    #expect(refused.exceptions.map(\.kind) == [.packetTooBig] && refused.exceptions.map(\.detail) == [1420])
  }

  /// The reverse tunnel of a Mobile IPv6 node inside that of its gateway is opened at once; once only.
  @Test func reverseTunnelIsOpenedTwice() throws {
    let packet = SamplePackets.ipv6(source: Self.home, destination: Self.correspondent, next: 253, [9])
    let first = SamplePackets.ipv6(source: Self.careOf, destination: SamplePackets.anchor, next: 41, packet)
    let outcome = up(first)
    let sent = try #require(outcome.sent.first)
    #expect(
      sent.port == 0
        && Array(sent.frame.dropFirst(14))
          == SamplePackets.ipv6(source: Self.home, destination: Self.correspondent, next: 253, hopLimit: 63, [9])
    )
    let counts = (domain.writer.tunnelTraffic(inner).up, domain.writer.tunnelTraffic(outer).up)
    #expect(counts.0 == Traffic.Count(packets: 1, bytes: 41) && counts.1 == Traffic.Count(packets: 1, bytes: 81))
    // A source that is not at that care-of address.
    let foreign = SamplePackets.ipv6(source: SamplePackets.mobileNode2, destination: Self.correspondent, next: 253, [9])
    #expect(
      up(SamplePackets.ipv6(source: Self.careOf, destination: SamplePackets.anchor, next: 41, foreign)).fate
        == .dropped(.sourceNotBound))
    // No tunnel of ours: the kernel's, as it was.
    let other = SamplePackets.ipv6(
      source: SamplePackets.mobileNode1, destination: SamplePackets.anchor, next: 41, packet)
    #expect(up(other).fate == .kernel(.innerLocal) && up(other).kernelPacket == other)
    let third = SamplePackets.ipv6(source: Self.home, destination: SamplePackets.anchor, next: 41, packet)
    let deep = SamplePackets.ipv6(source: Self.careOf, destination: SamplePackets.anchor, next: 41, third)
    #expect(up(deep).fate == .kernel(.innerLocal) && up(deep).kernelPacket == third)
  }

  /// R5847-1.
  @Test func failedTunnelsCarryNothing() throws {
    let packet = SamplePackets.ipv6(source: SamplePackets.mobileNode1, destination: Self.correspondent, next: 253, [1])
    #expect(up(packet).fate == .transmitted)
    #expect(down(to: SamplePackets.mobileNode1).fate == .transmitted)
    try configure(outer) { $0.isFailed = true }
    #expect(up(packet).fate == .dropped(.peerDown))
    #expect(down(to: SamplePackets.mobileNode1).fate == .dropped(.peerDown))
    #expect(down().fate == .dropped(.peerDown))
    // Others are unaffected.
    #expect(down(to: SamplePackets.mobileNode2).fate == .transmitted)
    try configure(outer) { $0.isFailed = false }
    #expect(up(packet).fate == .transmitted)
    #expect(down().fate == .transmitted)
  }

  /// R5846-1: while one cache's bindings of a peer are revoked, the other's go on.
  @Test func revokedTableCarriesNothing() throws {
    let roamer = SamplePackets.address([0x2001, 0xdb8, 0x100, 6, 0, 0, 0, 6])
    try set("2001:db8:100:6::/64", outer)
    func packet(_ source: [UInt8]) -> [UInt8] {
      SamplePackets.ipv6(source: source, destination: Self.correspondent, next: 253, [1])
    }
    let nested = SamplePackets.ipv6(
      source: Self.careOf, destination: SamplePackets.anchor, next: 41, packet(Self.home))
    for (table, proxy, mobile) in [
      (BindingTable.proxy, OfflinePlane.Outcome.Fate.dropped(.peerDown), OfflinePlane.Outcome.Fate.transmitted),
      (.mobile, .transmitted, .dropped(.peerDown)),
    ] {
      try configure(outer) { $0.revokedTable = table }
      #expect(domain.writer.tunnelSettings(outer)?.revokedTable == table)
      let before = domain.writer.tunnelTraffic(outer)
      #expect(up(packet(SamplePackets.mobileNode1)).fate == proxy)
      #expect(down(to: SamplePackets.mobileNode1).fate == proxy)
      #expect(up(packet(roamer)).fate == mobile)
      #expect(down(to: roamer).fate == mobile)
      // Each counts once, like any other.
      let counts = domain.writer.tunnelTraffic(outer)
      #expect(counts.up.packets == before.up.packets + 1 && counts.down.packets == before.down.packets + 1)
      // The care-of address of this one is a proxy binding's.
      #expect(down().fate == proxy)
      #expect(up(nested).fate == proxy)
      // Bound to another tunnel: refused for one reason or the other.
      #expect(
        up(packet(SamplePackets.mobileNode2)).fate == .dropped(table == .proxy ? .peerDown : .sourceNotBound))
    }
    try configure(outer) { $0.revokedTable = nil }
    try configure(inner) { $0.revokedTable = .mobile }
    #expect(down().fate == .dropped(.peerDown) && up(nested).fate == .dropped(.peerDown))
    try configure(inner) { $0.revokedTable = .proxy }
    #expect(down().fate == .transmitted && up(nested).fate == .transmitted)
  }

  @Test func unboundAddressIsNews() throws {
    let outcome = down(to: SamplePackets.address([0x2001, 0xdb8, 0x100, 9, 0, 0, 0, 1]))
    #expect(outcome.fate == .dropped(.noBinding) && outcome.sent.isEmpty)
    #expect(outcome.exceptions.map(\.kind) == [.unboundNotice] && outcome.exceptions.map(\.port) == [0])
  }
}
