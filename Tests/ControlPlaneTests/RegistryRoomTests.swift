import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Records for which there is no room")
struct RegistryRoomTests {
  /// One of as many tunnels as there are numbers.
  private static func tunnel(_ number: Int) -> WireTunnel { Sample.tunnel("2001:db8:a::\(number)") }

  private static func binding(_ number: Int, to remote: Int, mobileNode: String? = nil) -> TableRecord {
    .binding(Sample.binding(Sample.pooled(number), tunnel(remote), mobileNode: mobileNode))
  }

  /// Four tunnels, as many as there may be, of as many bindings.
  private static func full() throws -> RegistryFixture {
    let fixture = try RegistryFixture(tunnels: 4)
    for number in 1...4 { #expect(fixture.set(binding(number, to: number)).applied == 1) }
    return fixture
  }

  @Test("Tunnels: the record that needs one too many is named and the others are applied; of an ATOMIC frame none")
  func tunnels() throws {
    for mobileNode in [nil, "mn1"] {
      let fixture = try Self.full()
      let (before, generation) = (try fixture.dump(), fixture.registry.generation)
      let records: [TableRecord] = [
        .tunnel(TunnelRecord(tunnel: Self.tunnel(1), hopLimit: 9)), Self.binding(5, to: 5, mobileNode: mobileNode),
        Self.binding(6, to: 2, mobileNode: mobileNode), .tunnel(TunnelRecord(tunnel: Self.tunnel(6), hopLimit: 9)),
      ]
      let refused = fixture.registry.set(records, atomic: true, now: fixture.now)
      #expect(refused.applied == 0 && refused.firstFailure?.code == .full)
      #expect(refused.firstFailure?.index == 1 && refused.firstFailure?.field == "tunnel")
      #expect(try fixture.dump() == before && fixture.registry.generation == generation)
      let partial = fixture.registry.set(records, atomic: false, now: fixture.now)
      #expect(partial.applied == 2 && partial.failed == 2 && partial.firstFailure?.index == 1)
      #expect(try fixture.tunnel(Self.tunnel(1))?.hopLimit == 9 && fixture.tunnel(Self.tunnel(2))?.users == 2)
      #expect(fixture.writer.statistics.tunnels == 4 && fixture.registry.tunnelCount == 4)
    }
  }

  @Test("A removed tunnel makes room when no worker uses it any more")
  func removedTunnels() throws {
    let fixture = try Self.full()
    fixture.table.quiescence.online(0)
    #expect(fixture.delete(Self.binding(1, to: 1).key).applied == 1)
    #expect(fixture.set(Self.binding(5, to: 5)).firstFailure?.code == .full)
    fixture.table.quiescence.offline(0)
    // Its slot is cleared first, and its number free a grace period later.
    for _ in 0..<2 { fixture.writer.reclaim() }
    #expect(fixture.set(Self.binding(5, to: 5)).applied == 1)
  }

  @Test("A handover that needs two tunnels where there is one is refused, and that one is there for the next record")
  func twoTunnels() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag, tunnels: 2)
    let access = BindingRecord.Access(port: "access1", mac: 0x0200_0000_0110)
    var first = Sample.binding("2001:db8:100:1::/64", Sample.toLMA, access: access)
    #expect(fixture.set(.binding(first)).applied == 1)
    first.tunnel = Sample.tunnel("2001:db8:1::2", local: "2001:db8:a::1")
    first.state = .redirecting
    first.peer = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")
    var second = Sample.binding("2001:db8:100:2::/64", Sample.toLMA, access: access)
    second.state = .redirecting
    second.peer = first.peer
    let outcome = fixture.set(.binding(first), .binding(second), atomic: false)
    #expect(outcome.applied == 1 && outcome.failed == 1 && outcome.firstFailure?.index == 0)
    #expect(fixture.registry.tunnelCount == 2 && fixture.writer.statistics.tunnels == 2)
  }

  @Test("Bindings: the one too many is named, and what changes others or comes before it is applied")
  func bindings() throws {
    let fixture = try RegistryFixture(bindings: 4)
    for number in 1...3 { #expect(fixture.set(Self.binding(number, to: 1)).applied == 1) }
    // The tunnel is there, so that frames of plain bindings go their own way.
    #expect(fixture.set(.tunnel(TunnelRecord(tunnel: Self.tunnel(2)))).applied == 1)
    let records = [(1, 2), (4, 1), (5, 1), (2, 2)].map { number, remote in Self.binding(number, to: remote) }
    guard case .plain(let plain) = try OwnershipModelTests.received(records).0.content else {
      Issue.record("these bindings have nothing rare")
      return
    }
    let outcome = fixture.registry.set(plain[...], atomic: false, now: fixture.now)
    #expect(outcome.applied == 3 && outcome.failed == 1)
    #expect(outcome.firstFailure?.index == 2 && outcome.firstFailure?.code == .full)
    let named = Self.binding(6, to: 1, mobileNode: "mn6")
    let mixed = fixture.set(Self.binding(1, to: 1), named, Self.binding(2, to: 1), atomic: false)
    #expect(mixed.applied == 2 && mixed.failed == 1 && mixed.firstFailure?.index == 1)
    #expect(fixture.registry.bindingCount == 4 && fixture.writer.statistics.bindings == 4)
  }

  @Test("A transaction names the record that is too many, and changes nothing; one of as many others fits")
  func transactions() throws {
    let fixture = try RegistryFixture(bindings: 4)
    for number in 1...4 { #expect(fixture.set(Self.binding(number, to: 1)).applied == 1) }
    let before = try fixture.dump()
    for (count, isRefused) in [(5, true), (4, false)] {
      let replacement = Replacement(TableScope())
      let records = (11..<11 + count).map { Self.binding($0, to: 2) }
      replacement.add(UpsertRequest(records: records), (CRC32(), 0))
      let outcome = fixture.registry.replace(replacement, owner: 0, now: fixture.now)
      #expect(outcome.firstFailure?.index == (isRefused ? 4 : nil))
      #expect(outcome.firstFailure?.code == (isRefused ? .full : nil))
      #expect(try (fixture.dump() == before) == isRefused)
    }
  }
}
