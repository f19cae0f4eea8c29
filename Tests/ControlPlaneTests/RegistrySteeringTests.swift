import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Registry and steering")
struct RegistrySteeringTests {
  private func binding(_ prefix: String, port: String = "access1", mac: UInt64 = 0x0200_0000_0110) -> TableRecord {
    .binding(Sample.binding(prefix, Sample.toLMA, access: .init(port: port, mac: mac)))
  }

  private func prefix(_ text: String) throws -> Prefix { try #require(Prefix(text: text)) }

  @Test("Sources follow the bindings, wherever their mobile nodes are")
  func sources() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    #expect(fixture.set(binding("2001:db8:100:1::/64"), binding("203.0.113.10/32")).applied == 2)
    #expect(
      fixture.steering.sources == [try prefix("2001:db8:100:1::/64"): .bound, try prefix("203.0.113.10/32"): .bound])
    #expect(fixture.delete(Sample.key("203.0.113.10/32")).applied == 1)
    #expect(fixture.set(binding("2001:db8:100:1::/64", port: "access2")).applied == 1)
    #expect(fixture.steering.sources == [try prefix("2001:db8:100:1::/64"): .bound])
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64")).applied == 1)
    #expect(fixture.steering.sources.isEmpty)
  }

  @Test("Visitors pass; a prefix is a visitor's or a mobile node's, never both")
  func visitors() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let visitor = VisitorRecord(prefix: Sample.prefix("2001:db8:aaaa::/64"), port: "access1")
    #expect(fixture.set(.visitor(visitor)).applied == 1)
    #expect(fixture.set(.visitor(visitor)).unchanged == 1)
    #expect(fixture.steering.sources == [try prefix("2001:db8:aaaa::/64"): .visitor(port: 0)])
    #expect(fixture.set(binding("2001:db8:aaaa::/64")).firstFailure?.code == .conflict)
    let found = fixture.registry.lookup(.address(Sample.address("2001:db8:aaaa::99")), now: 0)
    #expect(found.map(\.record) == [.visitor(visitor)])
    #expect(fixture.set(.visitor(VisitorRecord(prefix: visitor.prefix, port: "access2"))).applied == 1)
    #expect(try fixture.dump(.visitors) == [.visitor(VisitorRecord(prefix: visitor.prefix, port: "access2"))])
    #expect(fixture.steering.sources == [try prefix("2001:db8:aaaa::/64"): .visitor(port: 1)], "2.15: of that link")
    #expect(fixture.delete(.visitor(visitor.prefix)).applied == 1)
    #expect(fixture.delete(.visitor(visitor.prefix)).unchanged == 1)
    #expect(fixture.steering.sources.isEmpty && fixture.registry.visitorCount == 0)
    #expect(fixture.set(binding("2001:db8:aaaa::/64")).applied == 1)
    #expect(fixture.set(.visitor(visitor)).firstFailure?.code == .conflict)
  }

  @Test("S-64: with local routing visitors' packets come to the workers, who find their prefix beside the bindings")
  func visitorsWithLocalRouting() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag + "local-routing: true\n")
    let visitor = VisitorRecord(prefix: Sample.prefix("2001:db8:aaaa::/48"), port: "access2")
    #expect(fixture.set(.visitor(visitor), binding("2001:db8:aaaa:1::/64")).applied == 2)
    #expect(fixture.steering.sources[try prefix("2001:db8:aaaa::/48")] == .bound)
    let stored = try #require(fixture.writer.longestMatch(.proxy, IPAddress(Sample.address("2001:db8:aaaa:2::1"))))
    #expect(stored.isVisitor && stored.access?.port == 1 && stored.state == .active)
    let found = fixture.registry.lookup(.address(Sample.address("2001:db8:aaaa:1::1")), now: 0)
    #expect(found.map(\.record) == [binding("2001:db8:aaaa:1::/64")], "the longest prefix, whatever it is of")
    #expect(
      fixture.registry.lookup(.address(Sample.address("2001:db8:aaaa:2::1")), now: 0).map(\.record) == [
        .visitor(visitor)
      ])
    #expect(fixture.delete(.visitor(visitor.prefix)).applied == 1)
    #expect(fixture.writer.statistics.bindings == 1 && fixture.steering.sources.count == 1)
  }

  @Test("R5213-17, R5213-18: a mobile node's own rule brings visitors' packets to the workers as the flag does")
  func visitorsWithOneLocalRouter() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    func router(_ prefix: String, _ localRouting: Bool?) -> TableRecord {
      var record = Sample.binding(prefix, Sample.toLMA, access: .init(port: "access1", mac: 0x0200_0000_0110))
      record.localRouting = localRouting
      return .binding(record)
    }
    func visitor(_ number: Int) -> TableRecord {
      .visitor(VisitorRecord(prefix: Sample.prefix("2001:db8:aaa\(number)::/64"), port: "access1"))
    }
    func sources() throws -> [SteeringSource?] {
      try (1...2).map { fixture.steering.sources[try prefix("2001:db8:aaa\($0)::/64")] }
    }
    #expect(
      fixture.set(visitor(1), router("2001:db8:100:1::/64", false), router("2001:db8:100:2::/64", nil)).applied == 3)
    #expect(try sources() == [.visitor(port: 0), nil])
    #expect(
      fixture.set(visitor(2), router("2001:db8:100:2::/64", true), router("2001:db8:100:3::/64", true)).applied == 3)
    #expect(try sources() == [.bound, .bound])
    #expect(fixture.delete(Sample.key("2001:db8:100:2::/64")).applied == 1)
    #expect(try sources() == [.bound, .bound])
    let bad = TableRecord.binding(Sample.binding("2001:db9::/64", Sample.toLMA))
    #expect(fixture.set(router("2001:db8:100:3::/64", false), bad).failed > 0)
    #expect(try sources() == [.bound, .bound], "nothing of a refused request")
    #expect(fixture.set(router("2001:db8:100:3::/64", false)).applied == 1)
    #expect(try sources() == [.visitor(port: 0), .visitor(port: 0)])
    // A prefix that goes in the very request that ends the rule stays gone.
    #expect(fixture.delete(.visitor(Sample.prefix("2001:db8:aaa1::/64"))).applied == 1)
    #expect(fixture.set(router("2001:db8:100:3::/64", true)).applied == 1)
    #expect(try sources() == [nil, .bound])
    #expect(
      fixture.delete(Sample.key("2001:db8:100:3::/64"), .visitor(Sample.prefix("2001:db8:aaa2::/64"))).applied == 2)
    #expect(try sources() == [nil, nil])
  }

  @Test("A steering program without room refuses the whole request", arguments: 0..<2)
  func noRoom(room: Int) throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    fixture.steering.room = room
    let outcome = fixture.set(binding("2001:db8:100:1::/64"), binding("203.0.113.10/32"))
    #expect(outcome.firstFailure?.code == .full && outcome.applied == 0)
    #expect(fixture.steering.sources.isEmpty)
    #expect(fixture.registry.bindingCount == 0 && fixture.writer.statistics.bindings == 0)
    #expect(fixture.writer.statistics.tunnels == 0)
    fixture.steering.room = 2
    #expect(fixture.set(binding("2001:db8:100:1::/64"), binding("203.0.113.10/32")).applied == 2)
  }

  @Test("A refused removal is tried again at each tick, and not after the entry came back")
  func refusedRemoval() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    #expect(fixture.set(binding("2001:db8:100:1::/64"), binding("203.0.113.10/32")).applied == 2)
    fixture.steering.refusesRemovals = true
    #expect(fixture.delete(Sample.key("2001:db8:100:1::/64"), Sample.key("203.0.113.10/32")).applied == 2)
    #expect(fixture.steering.sources.count == 2)
    #expect(fixture.set(binding("203.0.113.10/32")).applied == 1)
    fixture.steering.refusesRemovals = false
    #expect(fixture.advance(seconds: 1) == [])
    #expect(fixture.steering.sources == [try prefix("203.0.113.10/32"): .bound])
  }
}
