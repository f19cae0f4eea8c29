import FlowTable
import Testing

@Suite struct TunnelTests {
  static func id(_ snapshot: TableSnapshot, _ endpoints: TunnelEndpoints) -> TunnelID {
    snapshot.tunnelID(
      local: (endpoints.local.high.bigEndian, endpoints.local.low.bigEndian),
      remote: (endpoints.remote.high.bigEndian, endpoints.remote.low.bigEndian))
  }

  @Test func entryHoldsTheSettings() throws {
    let fixture = try Fixture(tunnels: 0)
    let endpoints = TunnelEndpoints(local: try "2001:db8:1::1".asAddress, remote: try "2001:db8:a::9".asAddress)
    let settings = TunnelSettings(
      endpoints: endpoints, hopLimit: 17, mtu: 1280, dscp: .fixed(46), ecn: .compatibility,
      encapsulationLimit: 4)
    let id = try fixture.writer.addTunnel(settings, nextHop: fixture.nextHop)
    let entry = fixture.table.view.snapshot().tunnel(id)
    #expect(entry.exists && entry.id == id && entry.nextHop == fixture.nextHop)
    #expect(entry.hopLimit == 17 && entry.mtu == 1280 && entry.dscp == .fixed(46) && entry.ecn == .compatibility)
    #expect(entry.encapsulationLimit == 4)
    #expect(entry.outerDSCP(inner: 10) == 46)
    #expect(entry.local == endpoints.local && entry.remote == endpoints.remote)
    // In memory order they are the octets of a header.
    let words = [entry.localWords.0, entry.localWords.1, entry.remoteWords.0, entry.remoteWords.1]
    let octets = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(8 * $0)) }
    }
    #expect(octets == endpoints.local.octets + endpoints.remote.octets)
    #expect(fixture.writer.tunnelSettings(id) == settings)
    let copying = TunnelSettings(endpoints: endpoints)
    try fixture.writer.updateTunnel(id, settings: copying, nextHop: NextHopID(0))
    let updated = fixture.table.view.snapshot().tunnel(id)
    #expect(updated.dscp == .copy && updated.outerDSCP(inner: 10) == 10 && updated.nextHop == NextHopID(0))
    #expect(fixture.writer.tunnelSettings(id) == copying)
    #expect(Self.id(fixture.table.view.snapshot(), endpoints) == id)
  }

  @Test func refusals() throws {
    let fixture = try Fixture(tunnels: 2)
    let writer = fixture.writer
    let ipv4 = TunnelEndpoints(local: try "2001:db8::1".asAddress, remote: try "192.0.2.1".asAddress)
    #expect(throws: FlowTableError.endpointNotIPv6(ipv4.remote)) {
      try writer.addTunnel(TunnelSettings(endpoints: ipv4), nextHop: fixture.nextHop)
    }
    #expect(throws: FlowTableError.tunnelExists(fixture.tunnels[1])) {
      try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(1)), nextHop: fixture.nextHop)
    }
    #expect(throws: FlowTableError.unknownNextHop(NextHopID(5))) {
      try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(7)), nextHop: NextHopID(5))
    }
    #expect(throws: FlowTableError.endpointsDiffer(fixture.tunnels[0])) {
      try writer.updateTunnel(
        fixture.tunnels[0], settings: TunnelSettings(endpoints: Fixture.endpoints(1)), nextHop: fixture.nextHop)
    }
    var binding = try fixture.binding("2001:db8::/64", 0)
    binding.peer = fixture.tunnels[1]
    try writer.apply([.set(binding)])
    for tunnel in fixture.tunnels {
      #expect(throws: FlowTableError.tunnelInUse(tunnel, bindings: 1)) { try writer.removeTunnel(tunnel) }
    }
    binding.peer = nil
    try writer.apply([.set(binding)])
    try writer.removeTunnel(fixture.tunnels[1])
    try writer.apply([.remove(binding.key)])
    try writer.removeTunnel(fixture.tunnels[0])
    #expect(throws: FlowTableError.unknownTunnel(fixture.tunnels[0])) { try writer.removeTunnel(fixture.tunnels[0]) }
  }

  /// Random tunnels beside a dictionary.
  @Test func indexMatchesADictionary() throws {
    let seed = testSeed("indexMatchesADictionary")
    var generator = SeededGenerator(seed: seed)
    let limits = FlowTableLimits(bindings: 1, tunnels: 3000, nextHops: 1, routes: 1, retired: 64, workers: 1)
    let table = try FlowTable(limits: limits, seed: (seed, seed))
    let writer = try table.makeWriter()
    var known: [TunnelEndpoints: TunnelID] = [:]
    for round in 0..<60_000 {
      if round % 2000 == 0 { try writer.expectSound("seed \(seed), round \(round)") }
      let number = generator.below(6000)
      // Pairs that share one end, and pairs with their ends exchanged.
      let (one, other) = (Fixture.endpoints(number / 2).remote, Fixture.endpoints(number / 64 + 7000).remote)
      let endpoints =
        number % 2 == 0 ? TunnelEndpoints(local: one, remote: other) : TunnelEndpoints(local: other, remote: one)
      let snapshot = table.view.snapshot()
      try #require(Self.id(snapshot, endpoints) == known[endpoints] ?? TunnelID(0))
      if let id = known[endpoints] {
        try #require(snapshot.tunnel(id).remote == endpoints.remote && snapshot.tunnel(id).local == endpoints.local)
        if generator.oneIn(2) {
          try writer.removeTunnel(id)
          known[endpoints] = nil
        } else {
          try writer.updateTunnel(id, settings: TunnelSettings(endpoints: endpoints, mtu: 1300), nextHop: NextHopID(0))
        }
      } else if known.count < 3000 {
        known[endpoints] = try writer.addTunnel(TunnelSettings(endpoints: endpoints), nextHop: NextHopID(0))
      }
    }
    #expect(writer.statistics.tunnels == known.count && known.count > 1000)
  }

  @Test func identifierWaitsForTheGracePeriod() throws {
    let limits = FlowTableLimits(bindings: 1, tunnels: 1, nextHops: 1, routes: 1, retired: 8, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let old = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
    table.quiescence.online(0)
    let snapshot = table.view.snapshot()
    try writer.removeTunnel(old)
    #expect(Self.id(snapshot, Fixture.endpoints(0)) == TunnelID(0))
    // A packet under way with a binding's tunnel still finds where to go.
    #expect(snapshot.tunnel(old).remote == Fixture.endpoints(0).remote)
    let next = TunnelSettings(endpoints: Fixture.endpoints(1))
    #expect(throws: FlowTableError.outOfTunnels(limit: 1)) { try writer.addTunnel(next, nextHop: NextHopID(0)) }
    table.quiescence.report(0)
    writer.reclaim()
    #expect(!table.view.snapshot().tunnel(old).exists)
    table.quiescence.report(0)
    #expect(try writer.addTunnel(next, nextHop: NextHopID(0)) == old)
  }
}

/// What makes a tunnel unlike others.
@Suite struct TunnelConditionTests {
  @Test func anchoredAndFailed() throws {
    let fixture = try Fixture(tunnels: 1)
    let id = fixture.tunnels[0]
    #expect(fixture.table.view.snapshot().tunnel(id).isPlain)
    for (isAnchored, isFailed) in [(true, false), (false, true), (true, true), (false, false)] {
      let settings = TunnelSettings(endpoints: Fixture.endpoints(0), isAnchored: isAnchored, isFailed: isFailed)
      try fixture.writer.updateTunnel(id, settings: settings, nextHop: fixture.nextHop)
      let entry = fixture.table.view.snapshot().tunnel(id)
      #expect(entry.isAnchored == isAnchored && entry.isFailed == isFailed)
      #expect(entry.isPlain == (!isAnchored && !isFailed))
      #expect(fixture.writer.tunnelSettings(id) == settings)
    }
  }

  @Test func visitorsHaveNone() throws {
    let fixture = try Fixture(tunnels: 1)
    var visitor = try fixture.binding("2001:db8:aaaa::/64")
    visitor.tunnel = TunnelID(0)
    #expect(throws: FlowTableError.unknownTunnel(TunnelID(0))) { try fixture.writer.apply([.set(visitor)]) }
    visitor.isVisitor = true
    visitor.access = AccessLink(port: 3, mac: MACAddress(0), vlan: nil)
    try fixture.writer.apply([.set(visitor)])
    #expect(fixture.table.view.snapshot().find([visitor.key.prefix.address]) == [Found(visitor)])
    #expect(fixture.writer.binding(visitor.key) == visitor)
    try fixture.writer.removeTunnel(fixture.tunnels[0])
    try fixture.writer.expectSound()
  }
}
