import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Registry")
struct RegistryTests {
  @Test("S-5: a thousand bindings to one MAG share one tunnel with user count 1000")
  func sharedTunnel() throws {
    let fixture = try RegistryFixture()
    let records = (0..<1000).map { index in
      TableRecord.binding(Sample.binding(Sample.pooled(index)))
    }
    let outcome = fixture.registry.set(records, atomic: true, now: fixture.now)
    #expect(outcome.applied == 1000 && outcome.failed == 0)
    #expect(fixture.registry.tunnelCount == 1)
    #expect(try fixture.tunnel(Sample.mag1)?.users == 1000)
    #expect(fixture.writer.statistics.bindings == 1000)
    #expect(fixture.writer.statistics.tunnels == 1)
  }

  @Test(
    "S-6: refresh does not count twice, a handover moves the count in one step, the last user takes the tunnel along")
  func userCounts() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).unchanged == 1)
    #expect(fixture.set(.binding(Sample.binding("203.0.113.10/32"))).applied == 1)
    #expect(try fixture.tunnel(Sample.mag1)?.users == 2)
    let before = fixture.registry.generation
    #expect(
      fixture.set(
        .binding(Sample.binding("2001:db8:100:1::/64", Sample.mag2)),
        .binding(Sample.binding("203.0.113.10/32", Sample.mag2))
      ).applied == 2)
    #expect(fixture.registry.generation > before)
    #expect(try fixture.tunnel(Sample.mag2)?.users == 2)
    #expect(try fixture.tunnel(Sample.mag1) == nil)
    #expect(fixture.writer.tunnel(TunnelEndpoints(Sample.mag1)) == nil)
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64"), Sample.key("203.0.113.10/32")).applied == 2)
    #expect(fixture.registry.tunnelCount == 0)
    #expect(fixture.writer.statistics.tunnels == 0 && fixture.writer.statistics.bindings == 0)
  }

  @Test("An unchanged binding writes nothing to the forwarding table")
  func idempotent() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
    let generation = fixture.writer.generation
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).generation == generation)
    // A name or a lifetime is the registry's alone.
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64", lifetime: 60, mobileNode: "mn1"))).applied == 1)
    #expect(fixture.writer.generation == generation)
  }

  @Test("S-11: the two caches never touch each other")
  func separateTables() throws {
    let fixture = try RegistryFixture()
    let home = Sample.tunnel("2001:db8:f::f")
    #expect(
      fixture.set(
        .binding(Sample.binding("2001:db8:100:1::10/128", home, table: .mobile)),
        .binding(Sample.binding("2001:db8:100:1::10/128"))
      ).applied == 2)
    let both = fixture.registry.lookup(.prefix(Sample.prefix("2001:db8:100:1::10/128")), now: 0)
    #expect(both.count == 2)
    let first = fixture.registry.lookup(.address(Sample.address("2001:db8:100:1::10")), now: 0)
    #expect(first.map(\.record) == [.binding(Sample.binding("2001:db8:100:1::10/128", home, table: .mobile))])
    #expect(fixture.delete(Sample.key("2001:db8:100:1::10/128", table: .mobile)).applied == 1)
    let second = fixture.registry.lookup(.address(Sample.address("2001:db8:100:1::10")), now: 0)
    #expect(second.map(\.record) == [.binding(Sample.binding("2001:db8:100:1::10/128"))])
  }

  @Test("R5213-6: delete with another tunnel expected is stale and changes nothing")
  func compareAndDelete() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64", Sample.mag2))).applied == 1)
    let stale = fixture.delete(Sample.key("2001:db8:100:1::/64", expect: "2001:db8:a::1"))
    #expect(stale.firstFailure?.code == .stale && stale.firstFailure?.field == "expect" && stale.applied == 0)
    #expect(fixture.registry.bindingCount == 1)
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64", expect: "2001:db8:b::1")).applied == 1)
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64", expect: "2001:db8:b::1")).unchanged == 1)
  }

  @Test("ATOMIC: one bad record and nothing of the request remains; without it the good ones are applied")
  func allOrNothing() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
    let before = try fixture.dump()
    let generation = fixture.writer.generation
    let request: [TableRecord] = [
      .binding(Sample.binding("2001:db8:100:1::/64", Sample.mag2)),
      .binding(Sample.binding("2001:db8:100:2::/64", Sample.mag2)),
      .tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, hopLimit: 9)),
      .binding(Sample.binding("2001:db8:ffff::/64")),
    ]
    let refused = fixture.registry.set(request, atomic: true, now: fixture.now)
    #expect(refused.firstFailure?.index == 3 && refused.firstFailure?.field == "prefix" && refused.applied == 0)
    #expect(try fixture.dump() == before)
    #expect(fixture.writer.generation == generation)
    #expect(fixture.writer.tunnel(TunnelEndpoints(Sample.mag2)) == nil)
    let partial = fixture.registry.set(request, atomic: false, now: fixture.now)
    #expect(partial.applied == 3 && partial.failed == 1 && partial.firstFailure?.index == 3)
    #expect(fixture.registry.bindingCount == 2)
  }

  @Test("A full table refuses the whole request and leaves no tunnel behind")
  func fullTable() throws {
    let fixture = try RegistryFixture(bindings: 8)
    for index in 0..<7 { #expect(fixture.set(.binding(Sample.binding("2001:db8:100:\(index)::/64"))).applied == 1) }
    let before = try fixture.dump()
    let refused = fixture.set(
      .binding(Sample.binding("2001:db8:100:8::/64", Sample.mag2)),
      .binding(Sample.binding("2001:db8:100:9::/64", Sample.mag2)))
    #expect(refused.firstFailure?.code == .full && refused.applied == 0)
    #expect(try fixture.dump() == before)
    #expect(fixture.writer.statistics.tunnels == 1 && fixture.writer.statistics.bindings == 7)
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:8::/64", Sample.mag2))).applied == 1)
  }

  @Test("More tunnels than there is room for: refused whole")
  func fullTunnels() throws {
    let fixture = try RegistryFixture(tunnels: 4)
    let records = (1...8).map {
      TableRecord.binding(Sample.binding("2001:db8:100:\($0)::/64", Sample.tunnel("2001:db8:a::\($0)")))
    }
    let refused = fixture.registry.set(records, atomic: true, now: fixture.now)
    #expect(refused.firstFailure?.code == .full)
    #expect(fixture.registry.bindingCount == 0 && fixture.registry.tunnelCount == 0)
    #expect(fixture.writer.statistics.tunnels == 0)
  }

  @Test("Tunnel records: live settings, static ones stay, one in use cannot be deleted")
  func tunnelRecords() throws {
    let fixture = try RegistryFixture()
    #expect(
      fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, hopLimit: 7, mtu: .octets(1300)))).applied
        == 1)
    let endpoints = TunnelEndpoints(Sample.mag1)
    let id = try #require(fixture.writer.tunnel(endpoints))
    #expect(fixture.writer.tunnelSettings(id) == TunnelSettings(endpoints: endpoints, hopLimit: 7, mtu: 1300))
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
    #expect(
      fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, dscp: .fixed(46), ecn: .compatibility)))
        .applied == 1)
    #expect(
      fixture.writer.tunnelSettings(id)
        == TunnelSettings(endpoints: endpoints, hopLimit: 64, mtu: 1460, dscp: .fixed(46), ecn: .compatibility))
    // RFC 2473 section 6.7: the 8 octets of the option come off an automatic MTU, and the default's off nobody's choice.
    #expect(
      fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, encapsulationLimit: .limit(4)))).applied
        == 1)
    #expect(
      fixture.writer.tunnelSettings(id)
        == TunnelSettings(endpoints: endpoints, hopLimit: 64, mtu: 1452, encapsulationLimit: 4))
    let refused = fixture.delete(.tunnel(Sample.mag1))
    #expect(refused.firstFailure?.code == .conflict)
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64")).applied == 1)
    #expect(try fixture.tunnel(Sample.mag1)?.users == 0)
    #expect(fixture.delete(.tunnel(Sample.mag1)).applied == 1)
    #expect(fixture.delete(.tunnel(Sample.mag1)).unchanged == 1)
    #expect(fixture.writer.tunnel(endpoints) == nil)
  }

  @Test("A dump loaded into an empty daemon is the same dump")
  func restore() throws {
    let source = try RegistryFixture()
    #expect(
      source.set(
        .tunnel(
          TunnelRecord(
            tunnel: Sample.mag1, hopLimit: 3, mtu: .automatic, encapsulationLimit: TunnelRecord.EncapsulationLimit.none)
        ),
        .tunnel(TunnelRecord(tunnel: Sample.tunnel("2001:db8:c::1"), isStatic: true)),
        .binding(Sample.binding("2001:db8:100:1::/64", mobileNode: "mn1@example")),
        .binding(Sample.binding("2001:db8:100:2::/64", Sample.mag2, state: .pending)),
        .binding(Sample.binding("203.0.113.10/32", lifetime: 3600))
      ).applied == 5)
    let dump = try source.dump()
    let copy = try RegistryFixture()
    #expect(copy.registry.set(dump, atomic: true, now: copy.now).failed == 0)
    #expect(Set(try copy.dump()) == Set(dump))
  }

  @Test("A cookie of another table or of nobody is refused")
  func cookies() throws {
    let fixture = try RegistryFixture()
    let tunnel = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag1))
    #expect(fixture.set(tunnel, .binding(Sample.binding("2001:db8:100:1::/64"))).applied == 2)
    #expect(fixture.registry.dump(DumpRequest(table: .bindings, cookie: 7), limit: 1, now: 0) == nil)
    let slice = try #require(fixture.registry.dump(DumpRequest(table: .tunnels), limit: 1, now: 0))
    #expect(fixture.registry.dump(DumpRequest(table: .bindings, cookie: slice.cookie), limit: 1, now: 0) == nil)
    #expect(fixture.registry.dump(DumpRequest(table: nil, cookie: .max), limit: 1, now: 0) == nil)
  }
}
