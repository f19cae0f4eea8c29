import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Localized routes (RFC 6705)")
struct RegistryRouteTests {
  private static let text = SampleConfiguration.mag + "local-routing: true\n"
  private static let mn1 = "2001:db8:100:1::/64"
  private static let mn2 = "2001:db8:100:2::/64"
  private static let mag2 = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")
  private static let mag3 = Sample.tunnel("2001:db8:c::1", local: "2001:db8:a::1")

  private func binding(_ prefix: String = mn1, localRouting: Bool? = nil) -> TableRecord {
    var record = Sample.binding(prefix, Sample.toLMA, access: .init(port: "access1", mac: 0x0200_0000_0110))
    record.localRouting = localRouting
    return .binding(record)
  }

  private func route(
    _ to: String = mn2, via: LocalizedRouteRecord.Via = .tunnel(mag2), receiveOnly: Bool = false,
    lifetime: UInt32? = nil
  ) -> TableRecord {
    .route(
      LocalizedRouteRecord(
        from: Sample.prefix(Self.mn1), to: Sample.prefix(to), via: via, receiveOnly: receiveOnly, lifetime: lifetime))
  }

  private let key = TableKey.route(from: Sample.prefix(mn1), to: Sample.prefix(mn2))

  /// The routes that packets from MN1 meet.
  private func inUse(_ fixture: RegistryFixture) throws -> [LocalizedRoute] {
    let binding = fixture.writer.binding(BindingKey(table: .proxy, prefix: Prefix(Sample.prefix(Self.mn1))))
    return try #require(binding).localizedRoutes.map { fixture.writer.localizedRoutes($0) } ?? []
  }

  private func expected(
    _ fixture: RegistryFixture, _ to: String = mn2, via: WireTunnel = mag2, receiveOnly: Bool = false
  ) throws -> LocalizedRoute {
    let tunnel = try #require(fixture.writer.tunnel(TunnelEndpoints(via)))
    return LocalizedRoute(to: Prefix(Sample.prefix(to)), tunnel: tunnel, isReceiveOnly: receiveOnly)
  }

  @Test("A route waits for its binding, goes with it, and comes back; its tunnel counts it all the while")
  func attachAndDetach() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(route()).applied == 1)
    #expect(fixture.set(route()).unchanged == 1)
    #expect(try fixture.tunnel(Self.mag2)?.users == 1)
    #expect(fixture.set(binding()).applied == 1)
    #expect(try inUse(fixture) == [expected(fixture)])
    #expect(fixture.delete(Sample.key(Self.mn1)).applied == 1)
    #expect(try fixture.tunnel(Self.mag2)?.users == 1)
    #expect(fixture.set(binding()).applied == 1)
    #expect(try inUse(fixture) == [expected(fixture)])
    #expect(fixture.delete(key).applied == 1)
    #expect(fixture.delete(key).unchanged == 1)
    #expect(try inUse(fixture).isEmpty && fixture.tunnel(Self.mag2) == nil)
    #expect(fixture.writer.statistics.tunnels == 1)
  }

  @Test("R6705-10: another MAG replaces the route in one step; receive-only and local ones are as said")
  func replacement() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(binding(), route()).applied == 2)
    #expect(fixture.set(route(via: .tunnel(Self.mag3))).applied == 1)
    #expect(try inUse(fixture) == [expected(fixture, via: Self.mag3)])
    #expect(try fixture.tunnel(Self.mag2) == nil)
    #expect(fixture.set(route(via: .tunnel(Self.mag3), receiveOnly: true)).applied == 1)
    #expect(try inUse(fixture) == [expected(fixture, via: Self.mag3, receiveOnly: true)])
    #expect(fixture.set(route(via: .local)).applied == 1)
    #expect(try inUse(fixture).isEmpty, "local delivery needs no entry")
    #expect(try fixture.dump(.routes) == [route(via: .local)])
  }

  @Test("The longest destination comes first")
  func order() throws {
    let fixture = try RegistryFixture(Self.text)
    let host = "2001:db8:100:2::20/128"
    #expect(
      fixture.set(binding(), route(), route(host, via: .tunnel(Self.mag3)), route("2001:db8:200::/48")).applied == 4)
    #expect(
      try inUse(fixture) == [
        expected(fixture, host, via: Self.mag3), expected(fixture), expected(fixture, "2001:db8:200::/48"),
      ])
    #expect(try fixture.tunnel(Self.mag2)?.users == 2)
  }

  @Test("R6705-1: refused while local routing is off for the sender, by its binding or the configuration")
  func refusedWhileOff() throws {
    let on = try RegistryFixture(Self.text)
    #expect(on.set(binding(localRouting: false)).applied == 1)
    let refused = on.set(route())
    #expect(refused.firstFailure?.code == .invalid && refused.firstFailure?.field == "route.from")
    #expect(on.set(binding(Self.mn2), route()).firstFailure?.index == 1)
    let off = try RegistryFixture(SampleConfiguration.mag)
    #expect(off.set(route()).firstFailure?.field == "route.from")
    #expect(off.set(binding(localRouting: true), route()).applied == 2)
    #expect(try inUse(off) == [expected(off)])
  }

  @Test("Local routing turned off later: the route is inert, in no dump, and back when it is on again")
  func turnedOff() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(binding(), route()).applied == 2)
    #expect(fixture.set(binding(localRouting: false)).applied == 1)
    #expect(try inUse(fixture).isEmpty && fixture.dump(.routes).isEmpty)
    #expect(
      fixture.registry.lookup(.route(from: Sample.prefix(Self.mn1), to: Sample.prefix(Self.mn2)), now: 0).count == 1)
    #expect(fixture.set(binding(localRouting: true)).applied == 1)
    #expect(try inUse(fixture) == [expected(fixture)])
  }

  @Test("R6705-4: at the end of its lifetime the route goes, with an event; a refresh moves the end")
  func lifetime() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(binding(), route(lifetime: 2)).applied == 2)
    #expect(fixture.registry.nextDeadline == fixture.now + 2_000_000_000)
    #expect(fixture.advance(seconds: 1.5) == [])
    #expect(fixture.set(route(lifetime: 2)).unchanged == 1)
    #expect(fixture.advance(seconds: 1.9) == [])
    #expect(try fixture.dump(.routes) == [route(lifetime: 1)])
    #expect(fixture.advance(seconds: 0.1) == [])
    #expect(try inUse(fixture).isEmpty && fixture.registry.routeCount == 0 && fixture.tunnel(Self.mag2) == nil)
    let (from, to) = (Prefix(Sample.prefix(Self.mn1)), Prefix(Sample.prefix(Self.mn2)))
    #expect(fixture.registry.takeEvents() == [.routeExpired(from: from, to: to)])
  }

  @Test("LOOKUP finds a route by its key, and by its prefix beside the binding")
  func lookup() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(binding(), route(lifetime: 30)).applied == 2)
    let (from, to) = (Sample.prefix(Self.mn1), Sample.prefix(Self.mn2))
    #expect(
      fixture.registry.lookup(.route(from: from, to: to), now: fixture.now).map(\.record) == [route(lifetime: 30)])
    #expect(fixture.registry.lookup(.route(from: to, to: from), now: fixture.now).isEmpty)
    #expect(
      fixture.registry.lookup(.prefix(from), now: fixture.now).map(\.record) == [binding(), route(lifetime: 30)])
  }

  @Test("A 257th route of one prefix is refused, and with it its whole request")
  func limit() throws {
    let fixture = try RegistryFixture(Self.text)
    let routes = (0...256).map { route("2001:db8:300:\(String($0, radix: 16))::/64") }
    let refused = fixture.registry.set([binding()] + routes, atomic: true, now: fixture.now)
    #expect(refused.firstFailure?.code == .full && refused.firstFailure?.field == "route.from")
    #expect(refused.firstFailure?.index == 257 && fixture.registry.routeCount == 0 && fixture.registry.tunnelCount == 0)
    #expect(fixture.registry.set([binding()] + routes.dropLast(), atomic: true, now: fixture.now).applied == 257)
    #expect(try inUse(fixture).count == 256)
  }

  @Test("A request that the steering program refuses leaves the routes as they were")
  func refused() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(binding(), route()).applied == 2)
    let before = try inUse(fixture)
    fixture.steering.room = 0
    #expect(fixture.set(route(via: .tunnel(Self.mag3)), binding(Self.mn2)).firstFailure?.code == .full)
    #expect(try inUse(fixture) == before && fixture.dump(.routes) == [route()])
    #expect(try fixture.tunnel(Self.mag3) == nil && fixture.writer.statistics.tunnels == 2)
    #expect(try TableAudit.run(fixture.writer).findings.isEmpty)
  }
}
