import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Failed peers (RFC 5847) and bulk revocation (RFC 5846)")
struct RegistryPeerTests {
  private static let remote = Sample.address("2001:db8:a::1")
  private static let secondLocal = Sample.tunnel("2001:db8:a::1", local: "2001:db8:1::2")
  private let failed = TableRecord.peer(PeerRecord(address: remote, state: .failed))
  private let alive = TableRecord.peer(PeerRecord(address: remote, state: .alive))

  private func isFailed(_ fixture: RegistryFixture, _ tunnel: WireTunnel) throws -> Bool {
    let id = try #require(fixture.writer.tunnel(TunnelEndpoints(tunnel)))
    return try #require(fixture.writer.tunnelSettings(id)).isFailed
  }

  @Test("All tunnels to a failed peer are marked, those to come too, and no other; alive or delete ends it")
  func failure() throws {
    let fixture = try RegistryFixture()
    #expect(
      fixture.set(
        .binding(Sample.binding("2001:db8:100:1::/64")), .binding(Sample.binding("2001:db8:100:2::/64", Sample.mag2))
      ).applied == 2)
    #expect(fixture.set(failed).applied == 1)
    #expect(fixture.set(failed).unchanged == 1)
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:3::/64", Self.secondLocal))).applied == 1)
    #expect(try isFailed(fixture, Sample.mag1) && isFailed(fixture, Self.secondLocal))
    #expect(try !isFailed(fixture, Sample.mag2))
    #expect(try fixture.dump(.peers) == [failed] && fixture.registry.bindingCount == 3)
    #expect(fixture.set(alive).applied == 1)
    #expect(fixture.set(alive).unchanged == 1)
    #expect(try !isFailed(fixture, Sample.mag1) && !isFailed(fixture, Self.secondLocal) && fixture.dump(.peers).isEmpty)
    #expect(fixture.set(failed).applied == 1)
    #expect(fixture.delete(.peer(Self.remote)).applied == 1)
    #expect(fixture.delete(.peer(Self.remote)).unchanged == 1)
    #expect(try !isFailed(fixture, Sample.mag1))
    let address = IPAddress(Self.remote)
    #expect(
      fixture.registry.takeEvents() == [true, false, true, false].map { RegistryEvent.peer(address, isFailed: $0) })
  }

  @Test("A refused request leaves peers as they were, whichever way they went in it")
  func refusedFailure() throws {
    let fixture = try RegistryFixture()
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
    let bad = TableRecord.binding(Sample.binding("2001:db9::/64"))
    #expect(fixture.set(failed, alive, failed, bad).firstFailure?.index == 3)
    #expect(try !isFailed(fixture, Sample.mag1) && fixture.registry.failedPeerCount == 0)
    #expect(fixture.set(failed).applied == 1)
    #expect(fixture.set(alive, failed, alive, bad).firstFailure?.index == 3)
    #expect(try isFailed(fixture, Sample.mag1) && fixture.dump(.peers) == [failed])
    #expect(fixture.registry.takeEvents().count == 1)
  }

  @Test(
    "A table that refuses the rest of a request, and then the way back too, has the tunnels right after the next tick")
  func refusedByTable() throws {
    var wasHalfDone = false
    for fill in 0..<8 {
      let fixture = try RegistryFixture(retired: 4)
      var isPending = false
      func toggled() -> TableRecord {
        isPending.toggle()
        return .binding(Sample.binding("2001:db8:100:1::/64", state: isPending ? .pending : .active))
      }
      #expect(fixture.set(.binding(Sample.binding("2001:db8:100:1::/64"))).applied == 1)
      fixture.table.quiescence.online(0)
      for _ in 0..<fill { _ = fixture.set(toggled()) }
      let outcome = fixture.set(failed, toggled())
      if outcome.firstFailure != nil {
        #expect(outcome.firstFailure?.code == .unavailable && fixture.registry.failedPeerCount == 0)
        wasHalfDone = try wasHalfDone || isFailed(fixture, Sample.mag1)
      }
      fixture.table.quiescence.offline(0)
      _ = fixture.advance(seconds: 0.1)
      #expect(try isFailed(fixture, Sample.mag1) == (outcome.firstFailure == nil))
    }
    #expect(wasHalfDone, "one of the fills leaves room for the tunnel only")
  }

  /// Three bindings of each of two MAGs, and one Mobile IPv6 binding to the first one's address.
  private func twoMAGs() throws -> RegistryFixture {
    let fixture = try RegistryFixture()
    for index in 1...3 {
      #expect(
        fixture.set(
          .binding(Sample.binding("2001:db8:100:\(index)::/64")),
          .binding(Sample.binding("2001:db8:101:\(index)::/64", Sample.mag2))
        ).applied == 2)
    }
    #expect(fixture.set(.binding(Sample.binding("2001:db8:200::9/128", Self.secondLocal, table: .mobile))).applied == 1)
    return fixture
  }

  @Test("Revocation takes every binding of the peer and nobody else's, of one cache if so asked")
  func revocation() throws {
    let fixture = try twoMAGs()
    #expect(fixture.delete(.bindings(remote: Self.remote, .proxy)).applied == 3)
    #expect(fixture.registry.bindingCount == 4 && fixture.writer.statistics.bindings == 4)
    #expect(fixture.writer.tunnel(TunnelEndpoints(Sample.mag1)) == nil)
    #expect(try !isFailed(fixture, Self.secondLocal) && !isFailed(fixture, Sample.mag2))
    #expect(fixture.delete(.bindings(remote: Self.remote, nil)).applied == 1)
    #expect(fixture.delete(.bindings(remote: Self.remote, nil)).applied == 0)
    #expect(fixture.registry.bindingCount == 3 && fixture.registry.tunnelCount == 1)
  }

  @Test("In slices: the tunnels carry nothing from the first on, other peers' do, and what is set meanwhile stays")
  func slices() throws {
    let fixture = try twoMAGs()
    #expect(fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true))).applied == 1)
    let (outcome, begun) = fixture.registry.beginDelete(
      [.bindings(remote: Self.remote, nil)], atomic: true, now: fixture.now)
    #expect(outcome.applied == 0 && outcome.failed == 0 && begun.count == 1)
    #expect(fixture.registry.bindingCount == 7)
    #expect(
      try isFailed(fixture, Sample.mag1) && isFailed(fixture, Self.secondLocal) && !isFailed(fixture, Sample.mag2))
    #expect(fixture.registry.continueRevocations(limit: 2))
    #expect(fixture.registry.bindingCount == 5)
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:9::/64"))).applied == 1)
    #expect(fixture.registry.nextDeadline == fixture.now + 1_000_000)
    _ = fixture.advance(seconds: 0.001)
    #expect(begun[0].isFinished && begun[0].removed == 4)
    #expect(fixture.registry.bindingCount == 4 && fixture.registry.nextDeadline == nil)
    #expect(try !isFailed(fixture, Sample.mag1) && fixture.tunnel(Sample.mag1)?.users == 1)
    #expect(!fixture.registry.continueRevocations(limit: 2))
    #expect(try TableAudit.run(fixture.writer).findings.isEmpty)
  }

  @Test("What is set as it was while a revocation goes on is set after it began, and stays")
  func repeatedMeanwhile() throws {
    let fixture = try twoMAGs()
    let (_, begun) = fixture.registry.beginDelete([.bindings(remote: Self.remote, nil)], atomic: true, now: fixture.now)
    #expect(fixture.registry.continueRevocations(limit: 1))
    #expect(fixture.set(.binding(Sample.binding("2001:db8:100:3::/64"))).failed == 0)
    while fixture.registry.continueRevocations(limit: 1) {}
    #expect(begun[0].isFinished && begun[0].removed == 3)
    let kept = try fixture.dump(.bindings).filter { $0 == .binding(Sample.binding("2001:db8:100:3::/64")) }
    #expect(kept.count == 1 && fixture.registry.bindingCount == 4)
    #expect(try !isFailed(fixture, Sample.mag1))
  }

  @Test("Of one cache: only its bindings stop before they go, at a gateway all or none; both caches are everything")
  func slicesOfOneTable() throws {
    let fixture = try twoMAGs()
    func revoked() throws -> [BindingTable?] {
      try [Sample.mag1, Sample.mag2].map { tunnel in
        let id = try #require(fixture.writer.tunnel(TunnelEndpoints(tunnel)))
        return try #require(fixture.writer.tunnelSettings(id)).revokedTable
      }
    }
    #expect(fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true))).applied == 1)
    _ = fixture.registry.beginDelete([.bindings(remote: Self.remote, .mobile)], atomic: true, now: fixture.now)
    #expect(try revoked() == [.mobile, nil] && !isFailed(fixture, Sample.mag1))
    _ = fixture.registry.beginDelete([.bindings(remote: Self.remote, .proxy)], atomic: true, now: fixture.now)
    #expect(try revoked() == [nil, nil] && isFailed(fixture, Sample.mag1))
    while fixture.registry.bindingCount > 6 { #expect(fixture.registry.continueRevocations(limit: 1)) }
    #expect(try revoked() == [.proxy, nil] && !isFailed(fixture, Sample.mag1))
    repeat {} while fixture.registry.continueRevocations(limit: 2)
    #expect(try revoked() == [nil, nil] && !isFailed(fixture, Sample.mag1) && fixture.registry.bindingCount == 3)

    let gateway = try RegistryFixture(SampleConfiguration.mag)
    let anchor = Sample.tunnel("2001:db8:1::1", local: "2001:db8:a::1")
    #expect(gateway.set(.tunnel(TunnelRecord(tunnel: anchor, isStatic: true))).applied == 1)
    for (table, stops) in [(BindingRecord.Table.mobile, false), (.proxy, true)] {
      _ = gateway.registry.beginDelete(
        [.bindings(remote: Sample.address("2001:db8:1::1"), table)], atomic: true, now: gateway.now)
      #expect(try isFailed(gateway, anchor) == stops)
      while gateway.registry.continueRevocations(limit: 1) {}
    }
    #expect(try !isFailed(gateway, anchor))
  }

  @Test("A failed peer whose bindings are revoked is failed still")
  func failedAndRevoked() throws {
    let fixture = try twoMAGs()
    #expect(fixture.set(.tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true)), failed).applied == 2)
    #expect(fixture.delete(.bindings(remote: Self.remote, nil)).applied == 4)
    #expect(try isFailed(fixture, Sample.mag1))
  }

  @Test("Beside a key that is refused, a revocation does not begin")
  func refusedRevocation() throws {
    let fixture = try twoMAGs()
    let refused = fixture.delete(
      .bindings(remote: Self.remote, nil), Sample.key("2001:db8:101:1::/64", expect: "2001:db8:a::1"))
    #expect(refused.firstFailure?.code == .stale && refused.firstFailure?.index == 1)
    #expect(fixture.registry.bindingCount == 7 && fixture.registry.nextDeadline == nil)
    #expect(try !isFailed(fixture, Sample.mag1))
    let partial = fixture.delete(
      .bindings(remote: Self.remote, nil), Sample.key("2001:db8:101:1::/64", expect: "2001:db8:a::1"),
      Sample.key("2001:db8:101:2::/64"), atomic: false)
    #expect(partial.applied == 5 && partial.failed == 1 && fixture.registry.bindingCount == 2)
  }

  @Test("R5846-1: one call removes a hundred thousand bindings of one peer and leaves the other's")
  func manyBindings() throws {
    let fixture = try RegistryFixture(bindings: 1 << 17)
    let records = (0..<100_000).map { index in
      TableRecord.binding(
        Sample.binding(
          "2001:db8:\(String(0x100 + index >> 16, radix: 16)):\(String(index & 0xffff, radix: 16))::/64",
          index % 1000 == 0 ? Sample.mag2 : Sample.mag1))
    }
    #expect(fixture.registry.set(records, atomic: true, now: fixture.now).applied == 100_000)
    let outcome = fixture.delete(.bindings(remote: Self.remote, nil))
    #expect(outcome.applied == 99_900 && outcome.firstFailure == nil)
    #expect(fixture.registry.bindingCount == 100 && fixture.writer.statistics.bindings == 100)
    #expect(try fixture.tunnel(Sample.mag2)?.users == 100)
  }

  @Test("A worker that does not move holds the slices up; nothing is forwarded meanwhile, and they go on when it moves")
  func stuckWorker() throws {
    let fixture = try RegistryFixture(retired: 40)
    for index in 0..<60 { #expect(fixture.set(.binding(Sample.binding(Sample.pooled(index)))).applied == 1) }
    fixture.table.quiescence.online(0)
    var (outcome, begun) = fixture.registry.beginDelete(
      [.bindings(remote: Self.remote, nil)], atomic: true, now: fixture.now)
    while fixture.registry.continueRevocations(limit: 10) {}
    outcome.add(begun)
    #expect(outcome.firstFailure?.code == .unavailable && outcome.firstFailure?.field == "remote")
    #expect((1..<60).contains(begun[0].removed) && Int(outcome.applied) == begun[0].removed)
    #expect(fixture.registry.bindingCount == 60 - begun[0].removed)
    #expect(try isFailed(fixture, Sample.mag1))
    repeat { fixture.table.quiescence.report(0) } while fixture.registry.continueRevocations(limit: 10)
    #expect(begun[0].isFinished && begun[0].removed == 60)
    #expect(fixture.registry.bindingCount == 0 && fixture.registry.tunnelCount == 0)
    fixture.table.quiescence.offline(0)
  }
}
