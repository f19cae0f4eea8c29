import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Registry and handover (RFC 5949)")
struct RegistryHandoverTests {
  private static let hnp = "2001:db8:100:1::/64"
  private static let hoa = "203.0.113.10/32"
  private static let peer = Sample.tunnel("2001:db8:b::1", local: "2001:db8:a::1")

  private func record(
    _ prefix: String = hnp, _ state: BindingRecord.State, peer: WireTunnel? = peer, mobileNode: String? = "mn1"
  ) -> TableRecord {
    var record = Sample.binding(
      prefix, Sample.toLMA, state: state, access: .init(port: "access1", mac: 0x0200_0000_0110), mobileNode: mobileNode)
    record.peer = state == .active ? nil : peer
    return .binding(record)
  }

  private func stored(_ fixture: RegistryFixture, _ prefix: String = hnp) throws -> Binding {
    try #require(fixture.writer.binding(BindingKey(table: .proxy, prefix: Prefix(Sample.prefix(prefix)))))
  }

  private func flushes(_ fixture: RegistryFixture) -> [Prefix] {
    _ = fixture.advance(seconds: 0.005)
    return fixture.registry.takeEvents().compactMap { event in
      if case .flushed(let key, _) = event { key.prefix } else { nil }
    }
  }

  @Test("Each state is forwarded by as set, with the peer's tunnel, which counts its users")
  func states() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    for state in [BindingRecord.State.redirecting, .buffering, .flushing, .relaying] {
      #expect(fixture.set(record(Self.hnp, state)).applied == 1)
      #expect(fixture.set(record(Self.hnp, state)).unchanged == 1)
      let binding = try stored(fixture)
      #expect(binding.state.rawValue == state.rawValue)
      #expect(binding.peer == fixture.writer.tunnel(TunnelEndpoints(Self.peer)))
      #expect(try fixture.tunnel(Self.peer)?.users == 1)
      #expect(try fixture.tunnel(Sample.toLMA)?.users == 1)
      #expect(try fixture.dump(.bindings) == [record(Self.hnp, state)])
    }
    #expect(fixture.delete(Sample.key(Self.hnp)).applied == 1)
    #expect(fixture.registry.tunnelCount == 0 && fixture.table.handoverLedger.openCount == 0)
  }

  @Test("The peer is optional in buffering and flushing: then only the anchor's tunnel is")
  func withoutPeer() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    for state in [BindingRecord.State.buffering, .flushing] {
      #expect(fixture.set(record(Self.hnp, state, peer: nil)).applied == 1)
      #expect(try stored(fixture).peer == nil)
    }
    #expect(flushes(fixture) == [Prefix(Sample.prefix(Self.hnp))])
    #expect(try stored(fixture).isFlushed)
  }

  @Test("All prefixes of a mobile node share one account; without a name each prefix has its own")
  func accounts() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let ledger = fixture.table.handoverLedger
    #expect(fixture.set(record(Self.hnp, .buffering), record(Self.hoa, .buffering)).applied == 2)
    #expect(try stored(fixture).holding == stored(fixture, Self.hoa).holding && ledger.openCount == 1)
    #expect(fixture.set(record(Self.hoa, .buffering, mobileNode: "mn2")).applied == 1)
    #expect(try stored(fixture).holding != stored(fixture, Self.hoa).holding && ledger.openCount == 2)
    #expect(
      fixture.set(record(Self.hnp, .buffering, mobileNode: nil), record(Self.hoa, .buffering, mobileNode: nil)).applied
        == 2)
    #expect(try stored(fixture).holding != stored(fixture, Self.hoa).holding && ledger.openCount == 2)
    #expect(fixture.set(record(Self.hnp, .active), record(Self.hoa, .active)).applied == 2)
    #expect(try stored(fixture).holding == nil && ledger.openCount == 0)
    #expect(try !stored(fixture).isFlushed, "active after buffering cancels")
  }

  @Test("A flush ends when nothing is held for any prefix of the node; the peer is heard until the next record")
  func endOfFlush() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let ledger = fixture.table.handoverLedger
    #expect(fixture.set(record(Self.hnp, .buffering), record(Self.hoa, .buffering)).applied == 2)
    let account = try #require(try stored(fixture).holding)
    #expect(ledger.accounts.take(account, perNode: 2, total: 2))
    #expect(fixture.set(record(Self.hnp, .flushing), record(Self.hoa, .flushing)).applied == 2)
    #expect(fixture.registry.nextDeadline == fixture.now + 5_000_000)
    #expect(flushes(fixture).isEmpty)
    let look = fixture.registry.nextDeadline
    fixture.now += 1_000_000
    #expect(fixture.set(record("2001:db8:100:7::/64", .pending, peer: nil, mobileNode: nil)).applied == 1)
    #expect(fixture.registry.nextDeadline == look, "other requests do not put the look off")
    #expect(fixture.delete(Sample.key("2001:db8:100:7::/64")).applied == 1)
    ledger.accounts.give(account)
    #expect(Set(flushes(fixture)) == [Prefix(Sample.prefix(Self.hnp)), Prefix(Sample.prefix(Self.hoa))])
    #expect(fixture.registry.nextDeadline == nil && ledger.openCount == 1)
    let flushed = try stored(fixture)
    #expect(flushed.state == .active && flushed.isFlushed && flushed.peer != nil && flushed.holding == account)
    // Shown as it would be set: active, without a peer. The peer's tunnel, which is still heard, is there to look up.
    #expect(Set(try fixture.dump(.bindings)) == [record(Self.hnp, .active), record(Self.hoa, .active)])
    #expect(try fixture.tunnel(Self.peer)?.users == 2 && fixture.dump(.tunnels).isEmpty)
    #expect(fixture.set(record(Self.hnp, .active), record(Self.hoa, .active)).applied == 2)
    #expect(try !stored(fixture).isFlushed && stored(fixture).peer == nil)
    #expect(try fixture.tunnel(Self.peer) == nil && ledger.openCount == 0)
  }

  @Test("Active ends flushing and relaying without loss; its repetition hears the peer no more, and drops nothing held")
  func activeByRecord() throws {
    for state in [BindingRecord.State.flushing, .relaying] {
      let fixture = try RegistryFixture(SampleConfiguration.mag)
      #expect(fixture.set(record(Self.hnp, .buffering)).applied == 1)
      let account = try #require(try stored(fixture).holding)
      #expect(fixture.table.handoverLedger.accounts.take(account, perNode: 2, total: 2))
      #expect(fixture.set(record(Self.hnp, state)).applied == 1)
      #expect(try stored(fixture).holding == account)
      #expect(fixture.set(record(Self.hnp, .active)).applied == 1)
      #expect(try stored(fixture).isFlushed && stored(fixture).holding == account && stored(fixture).peer != nil)
      #expect(fixture.set(record(Self.hnp, .active)).applied == 1)
      #expect(try stored(fixture).isFlushed && stored(fixture).holding == account && stored(fixture).peer == nil)
      #expect(try fixture.tunnel(Self.peer) == nil)
      #expect(fixture.set(record(Self.hnp, .active)).unchanged == 1)
      fixture.table.handoverLedger.accounts.give(account)
      #expect(fixture.set(record(Self.hnp, .active)).applied == 1)
      #expect(try !stored(fixture).isFlushed && stored(fixture).holding == nil)
    }
  }

  @Test("A node that is handed on and comes back before all that was held has gone: it goes out first")
  func backFromRedirecting() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    for isHeld in [true, false] {
      #expect(fixture.set(record(Self.hnp, .buffering)).applied == 1)
      let account = try #require(try stored(fixture).holding)
      if isHeld { #expect(fixture.table.handoverLedger.accounts.take(account, perNode: 2, total: 2)) }
      #expect(fixture.set(record(Self.hnp, .redirecting)).applied == 1)
      #expect(fixture.set(record(Self.hnp, .active)).applied == 1)
      #expect(try stored(fixture).isFlushed == isHeld && stored(fixture).holding == (isHeld ? account : nil))
      #expect(try stored(fixture).peer == nil && fixture.tunnel(Self.peer) == nil, "the other MAG is heard no more")
      guard isHeld else { continue }
      fixture.table.handoverLedger.accounts.give(account)
      #expect(fixture.set(record(Self.hnp, .active)).applied == 1)
      #expect(try !stored(fixture).isFlushed && stored(fixture).holding == nil)
    }
  }

  @Test("A handover that goes on with another peer moves the users, and a refused request leaves no account")
  func nextPeer() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag)
    let other = Sample.tunnel("2001:db8:c::1", local: "2001:db8:a::1")
    #expect(fixture.set(record(Self.hnp, .redirecting)).applied == 1)
    #expect(fixture.set(record(Self.hnp, .redirecting, peer: other)).applied == 1)
    #expect(try fixture.tunnel(Self.peer) == nil && fixture.tunnel(other)?.users == 1)
    fixture.steering.room = 0
    let refused = fixture.set(record(Self.hnp, .buffering), record(Self.hoa, .buffering))
    #expect(refused.firstFailure?.code == .full && fixture.table.handoverLedger.openCount == 0)
    #expect(try fixture.dump(.bindings) == [record(Self.hnp, .redirecting, peer: other)])
    #expect(try fixture.tunnel(Self.peer) == nil && stored(fixture).state == .redirecting)
  }

  @Test("More mobile nodes in handover than there are accounts: refused, naming the state")
  func accountLimit() throws {
    let fixture = try RegistryFixture(SampleConfiguration.mag, bindings: 1 << 17)
    let records = (0...HandoverLedger.accountLimit).map { index in
      record(
        "2001:db8:\(String(0x100 + index >> 16, radix: 16)):\(String(index & 0xffff, radix: 16))::/64", .buffering,
        mobileNode: nil)
    }
    let refused = fixture.registry.set(records, atomic: true, now: fixture.now)
    #expect(refused.firstFailure?.code == .full && refused.firstFailure?.field == "state")
    #expect(fixture.registry.bindingCount == 0 && fixture.table.handoverLedger.openCount == 0)
    #expect(fixture.registry.set(records.dropLast(), atomic: true, now: fixture.now).failed == 0)
    #expect(fixture.table.handoverLedger.openCount == HandoverLedger.accountLimit)
  }
}
