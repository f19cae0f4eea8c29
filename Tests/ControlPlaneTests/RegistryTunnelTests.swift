import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Tunnels that were set")
struct RegistryTunnelTests {
  private static let settings = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag1, hopLimit: 33))

  private static func binding(_ number: Int, _ tunnel: WireTunnel = Sample.mag1, lifetime: UInt32? = nil) -> TableRecord
  {
    .binding(Sample.binding(Sample.pooled(number), tunnel, lifetime: lifetime))
  }

  @Test("A tunnel that was set outlives its last user: deleted, handed over, expired or revoked; until it is deleted")
  func outlivesUsers() throws {
    let fixture = try RegistryFixture()
    let endings: [(RegistryFixture) -> Void] = [
      { _ = $0.delete(Self.binding(1).key) },
      { _ = $0.set(Self.binding(1, Sample.mag2)) },
      { _ = $0.advance(seconds: 10) },
      { _ = $0.delete(.bindings(remote: Sample.mag1.remote, nil)) },
    ]
    #expect(fixture.set(Self.settings).applied == 1)
    for end in endings {
      _ = fixture.set(Self.binding(1, lifetime: 10))
      #expect(try fixture.tunnel(Sample.mag1)?.users == 1)
      end(fixture)
      #expect(try fixture.dump(.tunnels).contains(Self.settings))
      let id = try #require(fixture.writer.tunnel(TunnelEndpoints(Sample.mag1)))
      #expect(fixture.writer.tunnelSettings(id)?.hopLimit == 33)
    }
    #expect(fixture.delete(.tunnel(Sample.mag1)).applied == 1)
    #expect(fixture.writer.tunnel(TunnelEndpoints(Sample.mag1)) == nil)
  }

  @Test("What is said in several frames is there at the end, however the users of a tunnel change between them")
  func saidInFrames() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    let before = [Self.settings, Self.binding(1)]
    #expect(registry.set(before, atomic: true, now: fixture.now, owner: 7).applied == 2)
    let synchronization = try registry.beginSynchronization(of: 7, TableScope())
    let frames = [[Self.settings, Self.binding(1, Sample.mag2)], [Self.binding(2)]]
    for frame in frames { #expect(registry.set(frame, atomic: true, now: fixture.now, owner: 7).failed == 0) }
    #expect(registry.saidCount(synchronization) == 3)
    guard case .finished = registry.sweep(synchronization) else {
      Issue.record("three entries are one slice")
      return
    }
    #expect(synchronization.removed == 0)
    #expect(try fixture.tunnel(Sample.mag1)?.hopLimit == 33)
    #expect(registry.saidCount(synchronization) == 3)
  }

  @Test("A transaction of the bindings leaves the tunnels that were set; one of all tables takes them")
  func transactions() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(Self.settings, Self.binding(1)).applied == 2)
    _ = fixture.registry.replace(Replacement(TableScope(.bindings)), owner: 0, now: fixture.now)
    #expect(try fixture.dump() == [Self.settings])
    #expect(fixture.registry.replace(Replacement(TableScope()), owner: 0, now: fixture.now).removed == 1)
    #expect(try fixture.dump() == [] && fixture.writer.statistics.tunnels == 0)
  }
}
