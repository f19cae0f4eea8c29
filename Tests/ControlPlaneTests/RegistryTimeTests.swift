import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Registry and time")
struct RegistryTimeTests {
  private let prefix = "2001:db8:100:1::/64"

  @Test("S-46: a binding ages out at its lifetime, not before, and takes its tunnel along")
  func lifetime() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 30, mobileNode: "mn1"))).applied == 1)
    #expect(fixture.advance(seconds: 29.9) == [])
    #expect(fixture.registry.bindingCount == 1)
    let expired = fixture.advance(seconds: 0.1)
    #expect(expired.map(\.cause) == [.lifetime] && expired.first?.mobileNode == "mn1")
    #expect(fixture.registry.bindingCount == 0 && fixture.registry.tunnelCount == 0)
    #expect(fixture.writer.statistics.bindings == 0)
  }

  @Test("A refresh moves the end, forwards and backwards; a record without lifetime has none")
  func refresh() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 30))).applied == 1)
    #expect(fixture.advance(seconds: 20) == [])
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 30))).unchanged == 1)
    #expect(fixture.advance(seconds: 29) == [])
    #expect(try fixture.dump(.bindings) == [.binding(Sample.binding(prefix, lifetime: 1))])
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 1000))).applied == 1)
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 5))).applied == 1)
    #expect(fixture.advance(seconds: 4.5) == [])
    #expect(fixture.advance(seconds: 0.5).count == 1)
    #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: 5))).applied == 1)
    #expect(fixture.set(.binding(Sample.binding(prefix))).applied == 1)
    #expect(fixture.advance(seconds: 100_000) == [])
    #expect(fixture.registry.bindingCount == 1)
  }

  @Test("The same seconds again are no change, and begin again; of several in one frame the last counts")
  func repeatedLifetime() throws {
    let fixture = try RegistryFixture()
    for mobileNode in [nil, "mn1"] {
      func binding(_ lifetime: UInt32) -> TableRecord {
        .binding(Sample.binding(prefix, lifetime: lifetime, mobileNode: mobileNode))
      }
      #expect(fixture.set(binding(100)).applied == 1)
      let generation = fixture.registry.generation
      #expect(fixture.advance(seconds: 60) == [])
      #expect(fixture.set(binding(100)) == Outcome(unchanged: 1, generation: generation))
      #expect(try fixture.dump(.bindings) == [binding(100)])
      #expect(fixture.set(binding(100), binding(30)) == Outcome(applied: 1, unchanged: 1, generation: generation))
      #expect(fixture.advance(seconds: 29.9) == [])
      #expect(fixture.set(binding(40), binding(40)) == Outcome(applied: 1, unchanged: 1, generation: generation))
      #expect(fixture.advance(seconds: 39.9) == [])
      #expect(fixture.advance(seconds: 0.1).count == 1)
    }
  }

  @Test("A transaction that says the same seconds changes nothing, and they begin again")
  func repeatedInTransaction() throws {
    let fixture = try RegistryFixture()
    let record = Sample.binding(prefix, lifetime: 100)
    #expect(fixture.set(.binding(record)).applied == 1)
    #expect(fixture.advance(seconds: 60) == [])
    let replacement = Replacement(TableScope())
    replacement.add(UpsertRequest(records: [.binding(record)]), (CRC32(), 0))
    let outcome = fixture.registry.replace(replacement, owner: 0, now: fixture.now)
    #expect((outcome.applied, outcome.unchanged, outcome.removed) == (0, 1, 0))
    #expect(fixture.advance(seconds: 99.9) == [])
    #expect(fixture.advance(seconds: 0.1).count == 1)
  }

  @Test("S-7: the tunnel stays as long as the longest lifetime over it")
  func tunnelLifetime() throws {
    let fixture = try RegistryFixture()
    #expect(
      fixture.set(
        .binding(Sample.binding(prefix, lifetime: 10)), .binding(Sample.binding("203.0.113.10/32", lifetime: 30))
      ).applied == 2)
    #expect(fixture.advance(seconds: 10).count == 1)
    #expect(try fixture.tunnel(Sample.mag1)?.users == 1)
    #expect(fixture.advance(seconds: 20).count == 1)
    #expect(try fixture.tunnel(Sample.mag1) == nil)
  }

  @Test("S-8: a static tunnel survives its last user's expiry")
  func staticTunnel() throws {
    let fixture = try RegistryFixture()
    #expect(
      fixture.set(
        .tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true)), .binding(Sample.binding(prefix, lifetime: 1))
      ).applied == 2)
    #expect(fixture.advance(seconds: 1).count == 1)
    #expect(try fixture.tunnel(Sample.mag1)?.users == 0)
    #expect(fixture.writer.statistics.tunnels == 1)
  }

  @Test("R5213-7: deregistering lasts MinDelayBeforeBCEDelete; repeating it does not prolong it")
  func deregistration() throws {
    let fixture = try RegistryFixture()
    let key = BindingKey(table: .proxy, prefix: Prefix(Sample.prefix(prefix)))
    #expect(fixture.set(.binding(Sample.binding(prefix))).applied == 1)
    #expect(fixture.set(.binding(Sample.binding(prefix, state: .deregistering))).applied == 1)
    #expect(fixture.writer.binding(key)?.state == .deregistering)
    #expect(fixture.advance(seconds: 6) == [])
    #expect(fixture.set(.binding(Sample.binding(prefix, state: .deregistering))).unchanged == 1)
    #expect(fixture.advance(seconds: 3.9) == [])
    #expect(fixture.writer.binding(key)?.state == .deregistering)
    #expect(fixture.advance(seconds: 0.1).map(\.cause) == [.deregistered])
    #expect(fixture.writer.binding(key) == nil)
  }

  @Test("R5213-7: active at 9.9 s revives, at the same or another MAG")
  func revival() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding(prefix, state: .deregistering))).applied == 1)
    #expect(fixture.advance(seconds: 9.9) == [])
    #expect(fixture.set(.binding(Sample.binding(prefix, Sample.mag2))).applied == 1)
    #expect(fixture.advance(seconds: 1000) == [])
    #expect(fixture.registry.bindingCount == 1)
    #expect(fixture.writer.binding(BindingKey(table: .proxy, prefix: Prefix(Sample.prefix(prefix))))?.state == .active)
  }

  @Test("A lifetime that ends before the delay ends the wait")
  func lifetimeInsideDelay() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding(prefix, state: .deregistering, lifetime: 3))).applied == 1)
    #expect(fixture.advance(seconds: 3).map(\.cause) == [.lifetime])
  }

  @Test("Many refreshes leave a bounded heap; a mass expiry is taken in bounded bites, in order")
  func manyDeadlines() throws {
    let fixture = try RegistryFixture(bindings: 8192)
    for round in 0..<2000 {
      // Ever shorter: each leaves a dead item behind, which must be swept.
      #expect(fixture.set(.binding(Sample.binding(prefix, lifetime: UInt32(5000 - round)))).applied == 1)
    }
    #expect(fixture.advance(seconds: 3000.5) == [])
    #expect(fixture.advance(seconds: 0.5).count == 1)
    let records = (0..<5000).map { index in
      TableRecord.binding(Sample.binding(Sample.pooled(index), lifetime: 10))
    }
    #expect(fixture.registry.set(records, atomic: true, now: fixture.now).applied == 5000)
    let first = fixture.advance(seconds: 10)
    let second = fixture.advance(seconds: 0)
    #expect(first.count == 4096 && second.count == 904)
    #expect(Set(first.map(\.key)).union(second.map(\.key)).count == 5000)
    #expect(fixture.registry.bindingCount == 0)
  }
}
