import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Replacing the tables of a MAG")
struct RegistryReplacementTests {
  private static let text = SampleConfiguration.mag + "local-routing: true\n"
  private static let one = "2001:db8:aaaa:1::/64"
  private static let two = "2001:db8:aaaa:2::/64"
  private static let toOther = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")

  private static func binding(_ prefix: String, localRouting: Bool? = nil, name: String? = nil) -> TableRecord {
    var record = Sample.binding(
      prefix, Sample.toLMA, access: .init(port: "access1", mac: 0x0200_0000_0110), mobileNode: name)
    record.localRouting = localRouting
    return .binding(record)
  }

  private static func visitor(_ prefix: String) -> TableRecord {
    .visitor(VisitorRecord(prefix: Sample.prefix(prefix), port: "access2"))
  }

  private static func route(_ from: String, _ to: String) -> TableRecord {
    .route(LocalizedRouteRecord(from: Sample.prefix(from), to: Sample.prefix(to), via: .tunnel(toOther)))
  }

  private static func replace(
    _ fixture: RegistryFixture, _ records: [TableRecord], _ scope: TableScope = TableScope()
  ) -> Outcome {
    let replacement = Replacement(scope)
    let request = UpsertRequest(records: records)
    let checked = fixture.registry.check(request, 0..<records.count, for: replacement)
    if checked.firstFailure != nil { return checked }
    replacement.add(request, (CRC32(), 0))
    return fixture.registry.replace(replacement, owner: 3, now: fixture.now)
  }

  @Test(
    "A prefix changes from a mobile node's to ordinary hosts' and back in one transaction",
    arguments: [text, SampleConfiguration.mag])
  func converted(_ text: String) throws {
    let fixture = try RegistryFixture(text)
    let prefix = try #require(Prefix(text: Self.one))
    let visitorSource: SteeringSource = text == Self.text ? .bound : .visitor(port: 1)
    #expect(fixture.set(Self.binding(Self.one)).applied == 1)
    for _ in 0..<2 {
      #expect(
        Self.replace(fixture, [Self.visitor(Self.one)])
          == Outcome(applied: 1, removed: 1, generation: fixture.registry.generation))
      #expect(fixture.steering.sources == [prefix: visitorSource])
      #expect(fixture.writer.binding(BindingKey(table: .proxy, prefix: prefix))?.isVisitor == true)
      #expect(try fixture.dump() == [Self.visitor(Self.one)])
      #expect(Self.replace(fixture, [Self.binding(Self.one)]).applied == 1)
      #expect(fixture.steering.sources == [prefix: .bound])
      #expect(fixture.writer.binding(BindingKey(table: .proxy, prefix: prefix))?.isVisitor == false)
      #expect(try fixture.dump(.bindings) == [Self.binding(Self.one)] && fixture.dump(.visitors).isEmpty)
    }
  }

  @Test("Steering that refuses half way leaves everything as it was, the prefixes that would have changed too")
  func steeringRefuses() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let elsewhere = TableRecord.visitor(VisitorRecord(prefix: Sample.prefix("2001:db8:aaab::/64"), port: "access1"))
    #expect(fixture.set(Self.binding(Self.one), Self.visitor(Self.two), elsewhere).applied == 3)
    let sources = fixture.steering.sources
    let dump = try fixture.dump()
    let digest = fixture.registry.contents(of: .bindings).digest
    for room in 0..<4 {
      fixture.steering.room = room
      let added = (3...5).map { Self.binding("2001:db8:aaaa:\($0)::/64") }
      let visitors = [Self.one, "2001:db8:aaab::/64", "2001:db8:aaac::/64"].map(Self.visitor)
      let outcome = Self.replace(fixture, visitors + [Self.binding(Self.two)] + added)
      #expect(outcome.firstFailure?.code == .full)
      fixture.steering.room = .max
      // What could not be put back at once is tried again.
      _ = fixture.advance(seconds: 0.1)
      #expect(fixture.steering.sources == sources, "room for \(room)")
      #expect(try fixture.dump() == dump)
      #expect(fixture.registry.contents(of: .bindings).digest == digest)
    }
  }

  @Test("Routes come and go with a transaction, whatever the order of its records; a rule broken together refuses all")
  func routes() throws {
    let fixture = try RegistryFixture(Self.text)
    #expect(fixture.set(Self.binding(Self.one), Self.binding(Self.two), Self.route(Self.one, Self.two)).applied == 3)
    let dump = Set(try fixture.dump())
    // Each record is right, and together they are not: no localized route while local routing is off for its sender.
    let wrong = [Self.route(Self.two, Self.one), Self.binding(Self.one), Self.binding(Self.two, localRouting: false)]
    let refused = Self.replace(fixture, wrong)
    #expect(refused.firstFailure?.index == 0 && refused.firstFailure?.field == "route.from")
    #expect(try Set(fixture.dump()) == dump)
    let right = [Self.route(Self.two, Self.one), Self.binding(Self.one, name: "mn1"), Self.binding(Self.two)]
    let outcome = Self.replace(fixture, right)
    // The route and the named binding are new or differ, the other binding is as it was, the old route goes.
    #expect(outcome == Outcome(applied: 2, unchanged: 1, removed: 1, generation: fixture.registry.generation))
    let stored = fixture.writer.binding(BindingKey(table: .proxy, prefix: Prefix(Sample.prefix(Self.two))))
    #expect(stored?.localizedRoutes != nil)
    #expect(try Set(fixture.dump()) == Set(right))
    // Only the routes: bindings stay.
    #expect(Self.replace(fixture, [], TableScope(.routes)).removed == 1)
    #expect(fixture.registry.bindingCount == 2 && fixture.registry.routeCount == 0)
    #expect(Self.replace(fixture, [Self.binding(Self.one)], TableScope(.routes)).firstFailure?.field == "table")
  }

  @Test("A failed peer that a transaction names as alive is removed, and not unchanged")
  func alivePeer() throws {
    let fixture = try RegistryFixture(Self.text)
    let (one, two) = (Sample.address("2001:db8:1::1"), Sample.address("2001:db8:1::2"))
    func peer(_ address: WireAddress, _ state: PeerRecord.State) -> TableRecord {
      .peer(PeerRecord(address: address, state: state))
    }
    #expect(fixture.set(peer(one, .failed), peer(two, .failed)).applied == 2)
    let outcome = Self.replace(fixture, [peer(one, .alive), peer(two, .failed)], TableScope(.peers))
    #expect(outcome == Outcome(unchanged: 1, removed: 1, generation: fixture.registry.generation))
    #expect(try fixture.dump() == [peer(two, .failed)])
    // One that was not there is nothing.
    #expect(Self.replace(fixture, [peer(one, .alive), peer(two, .failed)], TableScope(.peers)).unchanged == 1)
  }
}
