import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Next-hop resolver")
struct ResolverTests {
  private typealias Fixture = ResolverFixture
  private let second: UInt64 = 1_000_000_000

  @Test("Replay: static routes and neighbours alone, with the fixed port addresses and a VLAN")
  func replay() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma + """
        routes:
          - {prefix: "::/0", via: "2001:db8:c::1", port: core}
          - {prefix: "2001:db8:a::/48", via: "fe80::a", port: transport}
          - {prefix: "198.51.100.0/24", port: core}
        neighbors:
          - {address: "2001:db8:c::1", port: core, mac: "02:00:00:00:0c:01"}
          - {address: "fe80::a", port: transport, mac: "02:00:00:00:0a:01", vlan: 9}
          - {address: "198.51.100.1", port: core, mac: "02:00:00:00:0c:04"}
        """, live: false)
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    fixture.bind("2001:db8:100:2::/64", "2001:db8:b::1")
    let core = MACAddress(0x0200_5e10_0001)
    let transport = MACAddress(0x0200_5e10_0002)
    #expect(
      try fixture.state("2001:db8:a::1")
        == .resolved(Adjacency(port: 1, destination: MACAddress(0x0200_0000_0a01), source: transport, vlan: 9)))
    #expect(try fixture.state("2001:db8:b::1") == Fixture.resolved(0x0200_0000_0c01, port: 0, source: core))
    #expect(try fixture.route("2001:db8:ffff::1") == Fixture.resolved(0x0200_0000_0c01, port: 0, source: core))
    #expect(try fixture.route("198.51.100.1") == Fixture.resolved(0x0200_0000_0c04, port: 0, source: core))
    #expect(try fixture.route("198.51.100.2") == .kernel)
    #expect(try fixture.route("203.0.113.10") == nil)
    #expect(fixture.resolver.pendingError == nil)
  }

  @Test("No route, a route without neighbour, a neighbour, none again: each state reaches the table")
  func lifecycle() throws {
    let fixture = try Fixture()
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    #expect(try fixture.state("2001:db8:a::1") == .unreachable)
    #expect(fixture.questions() == [])
    fixture.resolver.handle([.routeAdded(try Fixture.route("2001:db8:a::/48", via: "fe80::1"))])
    #expect(try fixture.state("2001:db8:a::1") == .unresolved)
    let gateway = try #require(IPAddress(text: "fe80::1"))
    #expect(fixture.questions().map(\.address) == [gateway])
    fixture.resolver.handle([try Fixture.neighbor("fe80::1", 0x0200_0000_0a01)])
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01))
    fixture.resolver.handle([.neighborRemoved(interface: Fixture.transportInterface, address: gateway)])
    #expect(try fixture.state("2001:db8:a::1") == .unresolved)
    fixture.resolver.tick(now: second)
    fixture.resolver.tick(now: 2 * second)
    #expect(fixture.questions().isEmpty == false)
    fixture.resolver.handle([.routeRemoved(try Fixture.route("2001:db8:a::/48", via: "fe80::1"))])
    #expect(try fixture.state("2001:db8:a::1") == .unreachable)
  }

  @Test("The longest match counts, then the configured route, then the lowest metric")
  func preference() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma + "routes: [{prefix: '2001:db8:a::/48', via: 'fe80::5', port: transport}]\n"
        + "neighbors: [{address: 'fe80::5', port: transport, mac: '02:00:00:00:00:05'}]\n")
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    fixture.bind("2001:db8:100:2::/64", "2001:db8:b::1")
    fixture.resolver.handle([
      try Fixture.neighbor("fe80::1", 0x0200_0000_0001), try Fixture.neighbor("fe80::2", 0x0200_0000_0002),
      .routeAdded(try Fixture.route("2001:db8:a::/48", via: "fe80::1", metric: 0)),
      .routeAdded(try Fixture.route("::/0", via: "fe80::2", metric: 200)),
      .routeAdded(try Fixture.route("::/0", via: "fe80::1", metric: 100)),
    ])
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0005))
    #expect(try fixture.state("2001:db8:b::1") == Fixture.resolved(0x0200_0000_0001))
    #expect(try fixture.route("2001:db8:b::7") == Fixture.resolved(0x0200_0000_0001))
    fixture.resolver.handle([.routeRemoved(try Fixture.route("::/0", via: "fe80::1", metric: 100))])
    #expect(try fixture.state("2001:db8:b::1") == Fixture.resolved(0x0200_0000_0002))
    fixture.resolver.handle([.routeAdded(try Fixture.route("2001:db8:a::1/128", via: "fe80::2"))])
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0002))
  }

  @Test("Routes that are not ours to forward: foreign interface, unreachable, this host, pools, link-local")
  func otherKinds() throws {
    let fixture = try Fixture()
    fixture.resolver.handle([
      .routeAdded(try Fixture.route("::/0", via: "fe80::1")),
      .routeAdded(try Fixture.route("2001:db8:e::/48", Fixture.foreignInterface)),
      .routeAdded(try Fixture.route("2001:db8:d::/48", 0, kind: .unreachable)),
      .routeAdded(try Fixture.route("2001:db8:c::fe/128", Fixture.coreInterface, kind: .local)),
      .routeAdded(try Fixture.route("2001:db8:100::/40", 0, kind: .unreachable)),
      .routeAdded(try Fixture.route("fe80::/64", Fixture.coreInterface)),
    ])
    #expect(try fixture.route("2001:db8:e::1") == .kernel)
    #expect(try fixture.route("2001:db8:d::1") == .unreachable)
    #expect(try fixture.route("2001:db8:c::fe") == .kernel)
    #expect(fixture.writer.route(try #require(Prefix(text: "2001:db8:100::/40"))) == nil)
    #expect(fixture.writer.route(try #require(Prefix(text: "fe80::/64"))) == nil)
    fixture.bind("2001:db8:100:1::/64", "2001:db8:e::1")
    fixture.bind("2001:db8:100:2::/64", "2001:db8:d::1")
    #expect(try fixture.state("2001:db8:e::1") == .kernel)
    #expect(try fixture.state("2001:db8:d::1") == .unreachable)
  }

  @Test("On-link hosts: the kernel's way until the neighbour is known, then their own, and back")
  func onLink() throws {
    let fixture = try Fixture()
    let host = try #require(IPAddress(text: "2001:db8:c::1"))
    fixture.resolver.handle([
      .routeAdded(try Fixture.route("2001:db8:c::/64", Fixture.coreInterface, metric: 256)),
      .routeAdded(try Fixture.route("::/0", via: "fe80::1")),
    ])
    #expect(try fixture.route("2001:db8:c::1") == .kernel)
    fixture.resolver.handle([try Fixture.neighbor("2001:db8:c::1", 0x0200_0000_0c01, Fixture.coreInterface)])
    let resolved = Fixture.resolved(0x0200_0000_0c01, port: 0, source: Fixture.coreMAC)
    #expect(try fixture.route("2001:db8:c::1") == resolved)
    #expect(try fixture.route("2001:db8:c::2") == .kernel)
    // A neighbour of another link, or one that a route leads elsewhere, is no on-link host.
    fixture.resolver.handle([try Fixture.neighbor("2001:db8:c::3", 0x0200_0000_0c03)])
    #expect(try fixture.route("2001:db8:c::3") == .kernel)
    fixture.resolver.handle([.routeAdded(try Fixture.route("2001:db8:c::/126", via: "fe80::7"))])
    #expect(try fixture.route("2001:db8:c::1") == .unresolved)
    fixture.resolver.handle([.routeRemoved(try Fixture.route("2001:db8:c::/126", via: "fe80::7"))])
    #expect(try fixture.route("2001:db8:c::1") == resolved)
    fixture.resolver.handle([.neighborRemoved(interface: Fixture.coreInterface, address: host)])
    #expect(try fixture.route("2001:db8:c::1") == .kernel)
    fixture.resolver.handle([
      try Fixture.neighbor("2001:db8:c::1", 0x0200_0000_0c01, Fixture.coreInterface),
      .routeRemoved(try Fixture.route("2001:db8:c::/64", Fixture.coreInterface, metric: 256)),
    ])
    #expect(try fixture.route("2001:db8:c::1") == .unresolved, "the default route's gateway is unknown")
    #expect(fixture.writer.statistics.routes == 1)
  }

  @Test("A link's new address rewrites adjacencies, its new MTU automatic tunnel MTUs, and its loss unresolves")
  func links() throws {
    let fixture = try Fixture()
    fixture.resolver.handle([
      .routeAdded(try Fixture.route("::/0", via: "fe80::1")), try Fixture.neighbor("fe80::1", 0x0200_0000_0a01),
    ])
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    #expect(
      fixture.registry.set(
        [.tunnel(TunnelRecord(tunnel: Sample.mag2, isStatic: true, mtu: .octets(1400)))], atomic: true, now: 0
      )
      .applied == 1)
    #expect(fixture.mtu("2001:db8:a::1") == 1560)
    let mac = MACAddress(0x0200_0000_7777)
    fixture.resolver.handle([.linkChanged(interface: 12, name: "lma-tr", up: true, mtu: 1400, mac: mac)])
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01, source: mac))
    #expect(fixture.mtu("2001:db8:a::1") == 1360)
    // 1400 was chosen for it: more than the port takes with a tunnel header (RFC 2473 section 6.7).
    #expect(fixture.mtu("2001:db8:b::1") == 1360)
    fixture.resolver.handle([.linkChanged(interface: 12, name: "lma-tr", up: false, mtu: 0, mac: MACAddress(0))])
    #expect(try fixture.state("2001:db8:a::1") == .unresolved)
    _ = fixture.questions()
    fixture.resolver.tick(now: second)
    #expect(fixture.questions() == [], "nobody is asked over a dead link")
    fixture.resolver.handle([.linkChanged(interface: 12, name: "lma-tr", up: true, mtu: 1400, mac: mac)])
    #expect(try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01, source: mac))
  }

  @Test("A configured address and MTU do not follow the interface")
  func configuredPort() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma.replacingOccurrences(
        of: "kind: transport}", with: "kind: transport, mac: '02:00:00:00:00:44', mtu: 1300}"))
    fixture.resolver.handle([
      .routeAdded(try Fixture.route("::/0", via: "fe80::1")), try Fixture.neighbor("fe80::1", 0x0200_0000_0a01),
    ])
    fixture.bind("2001:db8:100:1::/64", "2001:db8:a::1")
    fixture.resolver.handle([
      .linkChanged(interface: 12, name: "lma-tr", up: true, mtu: 9000, mac: MACAddress(0x0200_0000_7777))
    ])
    #expect(
      try fixture.state("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0a01, source: MACAddress(0x0200_0000_0044)))
    #expect(fixture.mtu("2001:db8:a::1") == 1260)
  }

  @Test("A repeated dump sweeps what it does not show, and nothing before it is complete")
  func resynchronization() throws {
    let fixture = try Fixture(
      SampleConfiguration.lma + "routes: [{prefix: '2001:db8:77::/48', via: 'fe80::5', port: core}]\n")
    let stale = try Fixture.route("2001:db8:a::/48", via: "fe80::1")
    let kept = try Fixture.route("2001:db8:b::/48", via: "fe80::2")
    let events: [KernelEvent] = [
      .routeAdded(stale), .routeAdded(kept), try Fixture.neighbor("fe80::1", 0x0200_0000_0001),
      try Fixture.neighbor("fe80::2", 0x0200_0000_0002), .synchronized,
    ]
    fixture.resolver.handle(events)
    fixture.resolver.handle([.resynchronized, .routeAdded(kept)])
    #expect(try fixture.route("2001:db8:a::1") == Fixture.resolved(0x0200_0000_0001))
    #expect(try fixture.route("2001:db8:b::1") == Fixture.resolved(0x0200_0000_0002))
    fixture.resolver.handle([.synchronized])
    #expect(try fixture.route("2001:db8:a::1") == nil)
    #expect(try fixture.route("2001:db8:b::1") == .unresolved, "its neighbour was not in the dump")
    #expect(try fixture.route("2001:db8:77::1") == .unresolved, "configured routes are never swept")
  }

  @Test("Tunnels and routes behind one gateway share one next hop, which goes with its last user")
  func sharedHops() throws {
    let fixture = try Fixture()
    let route = try Fixture.route("::/0", via: "fe80::1")
    let empty = fixture.writer.statistics.nextHops
    fixture.resolver.handle([.routeAdded(route)])
    for index in 1...100 { fixture.bind(Sample.pooled(index), "2001:db8:a::\(index)") }
    #expect(fixture.writer.statistics.nextHops == empty + 1)
    for index in 1...100 {
      #expect(fixture.registry.delete([Sample.key(Sample.pooled(index))], atomic: true, now: 0).applied == 1)
    }
    fixture.resolver.handle([.routeRemoved(route)])
    fixture.writer.reclaim()
    #expect(fixture.writer.statistics.nextHops == empty)
    #expect(fixture.writer.statistics.tunnels == 0 && fixture.writer.statistics.routes == 0)
  }

  @Test("What a full table cannot mirror is named, and mirrored once there is room")
  func fullNextHops() throws {
    let fixture = try Fixture(nextHops: 4)
    let routes = try (1...8).map { try Fixture.route("2001:db8:\($0)::/48", via: "fe80::\($0)") }
    fixture.resolver.handle(routes.map { .routeAdded($0) })
    guard case .outOfNextHops = fixture.resolver.pendingError else {
      Issue.record("expected outOfNextHops, not \(String(describing: fixture.resolver.pendingError))")
      return
    }
    let mirrored = fixture.writer.statistics.routes
    #expect(mirrored < 8)
    fixture.resolver.handle(routes.dropFirst(2).map { .routeRemoved($0) })
    fixture.writer.reclaim()
    fixture.writer.reclaim()
    fixture.resolver.tick(now: second)
    #expect(fixture.resolver.pendingError == nil)
    #expect(fixture.writer.statistics.routes == 2)
    #expect(try fixture.route("2001:db8:1::1") == .unresolved)
    #expect(try fixture.route("2001:db8:2::1") == .unresolved)
  }
}
