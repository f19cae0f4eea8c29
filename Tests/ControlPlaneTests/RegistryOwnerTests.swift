import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Owners and restored entries")
struct RegistryOwnerTests {
  private static func binding(_ number: Int) -> TableRecord { .binding(Sample.binding(Sample.pooled(number))) }

  private static func owners(_ fixture: RegistryFixture) throws -> [TableRecord: UInt32?] {
    let dump = try #require(fixture.registry.ownedDump(DumpRequest(), limit: 100, now: fixture.now))
    let rest = try #require(
      fixture.registry.ownedDump(DumpRequest(cookie: dump.slice.cookie), limit: 100, now: fixture.now))
    return Dictionary(
      uniqueKeysWithValues: zip(dump.slice.records + rest.slice.records, dump.owners + rest.owners))
  }

  @Test("Entries of a snapshot forward, keep their owner, and are stale until it says them again")
  func restored() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    #expect(registry.restore([Self.binding(1), Self.binding(2)], owner: 7, now: fixture.now).applied == 2)
    #expect(registry.restore([Self.binding(3)], owner: 0, now: fixture.now).applied == 1)
    #expect(fixture.writer.statistics.bindings == 3)
    #expect(registry.contents(of: .bindings).hasStale && !registry.contents(of: .tunnels).hasStale)
    let digest = registry.contents(of: .bindings).digest
    let owners = try Self.owners(fixture)
    #expect(owners[Self.binding(1)] == 7 && owners[Self.binding(2)] == 7 && owners[Self.binding(3)] == 0)
    // The tunnel is nobody's, and comes back with what names it.
    #expect(owners.count == 3)
    let generation = registry.generation
    let again = registry.set([Self.binding(1), Self.binding(3)], atomic: true, now: fixture.now, owner: 7)
    #expect(again == Outcome(unchanged: 2, generation: generation))
    #expect(registry.contents(of: .bindings).digest == digest)
    #expect(try Self.owners(fixture)[Self.binding(3)] == 7)
    #expect(registry.contents(of: .bindings).hasStale)
    #expect(registry.set([Self.binding(2)], atomic: true, now: fixture.now, owner: 8).unchanged == 1)
    #expect(!registry.contents(of: .bindings).hasStale)
  }

  @Test("A synchronisation sweeps restored entries that nobody has said, and no other owner's")
  func sweptAfterRestoring() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    _ = registry.restore([Self.binding(1), Self.binding(2)], owner: 7, now: fixture.now)
    _ = registry.restore([Self.binding(3)], owner: 8, now: fixture.now)
    let synchronization = try registry.beginSynchronization(of: 7, TableScope())
    _ = registry.set([Self.binding(2)], atomic: true, now: fixture.now, owner: 7)
    #expect(registry.saidCount(synchronization) == 1)
    guard case .finished = registry.sweep(synchronization) else {
      Issue.record("three entries are one slice")
      return
    }
    #expect(synchronization.removed == 1)
    #expect(try Set(fixture.dump(.bindings)) == [Self.binding(2), Self.binding(3)])
    #expect(registry.contents(of: .bindings).hasStale)
  }

  @Test("A sweep takes a tunnel's last binding, and leaves its settings when they were said, or are another owner's")
  func settingsOutliveSweptBindings() throws {
    for owner: UInt32 in [7, 8] {
      let fixture = try RegistryFixture()
      let registry = fixture.registry
      let settings = TableRecord.tunnel(TunnelRecord(tunnel: Sample.mag1, hopLimit: 9))
      _ = registry.set([Self.binding(1)], atomic: true, now: fixture.now, owner: 7)
      _ = registry.set([settings], atomic: true, now: fixture.now, owner: owner)
      let synchronization = try registry.beginSynchronization(of: 7, TableScope())
      if owner == 7 { _ = registry.set([settings], atomic: true, now: fixture.now, owner: 7) }
      guard case .finished = registry.sweep(synchronization) else {
        Issue.record("two entries are one slice")
        return
      }
      #expect(synchronization.removed == 1 && registry.bindingCount == 0)
      #expect(try fixture.dump(.tunnels) == [settings])
    }
  }

  @Test("Owners without entries are forgotten, the others' entries stay theirs")
  func manyOwners() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    for owner in 1...200_000 as ClosedRange<UInt32> {
      _ = registry.set([Self.binding(Int(owner) % 7)], atomic: true, now: fixture.now, owner: owner)
    }
    let owners = try Self.owners(fixture)
    for number in 0..<7 {
      let last = (199_994...200_000 as ClosedRange<UInt32>).first { Int($0) % 7 == number }
      #expect(owners[Self.binding(number)] == last)
    }
  }

  @Test(
    "65,536 owners have entries at a time; a further one is refused with nothing changed, until one of them has none")
  func tooManyOwners() throws {
    let fixture = try RegistryFixture(bindings: 1 << 17, retired: 1 << 18)
    let registry = fixture.registry
    // The command line's owner has its place without entries.
    for owner in 1..<65_536 as Range<UInt32> {
      let outcome = registry.set([Self.binding(Int(owner))], atomic: true, now: fixture.now, owner: owner)
      try #require(outcome.applied == 1)
    }
    let digest = registry.contents(of: .bindings).digest
    let refused = registry.set([Self.binding(0)], atomic: false, now: fixture.now, owner: 70_000)
    #expect(refused.firstFailure?.code == .full && refused.firstFailure?.field == "owner" && refused.failed == 1)
    let empty = registry.replace(Replacement(TableScope()), owner: 70_000, now: fixture.now)
    #expect(empty.firstFailure?.code == .full && empty.removed == 0)
    #expect(throws: RecordRefusal.self) { try registry.beginSynchronization(of: 70_000, TableScope()) }
    #expect(registry.contents(of: .bindings).digest == digest && registry.bindingCount == 65_535)
    // Known ones go on, and owner 0.
    #expect(registry.set([Self.binding(0)], atomic: true, now: fixture.now, owner: 9).applied == 1)
    #expect(registry.set([Self.binding(0)], atomic: true, now: fixture.now).unchanged == 1)
    #expect(fixture.delete(Self.binding(9).key).applied == 1)
    // Owner 9's place is free; an open synchronisation holds it, too.
    let open = try registry.beginSynchronization(of: 70_000, TableScope())
    #expect(throws: RecordRefusal.self) { try registry.beginSynchronization(of: 9, TableScope()) }
    registry.close(open)
    #expect(registry.set([Self.binding(9)], atomic: true, now: fixture.now, owner: 70_001).applied == 1)
  }

  @Test("A sweep that outlives its owner's entries never takes those of the owner that has its place then")
  func placeOfAnother() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    let restart = try registry.beginSynchronization(of: 7, TableScope())
    registry.close(restart)
    let old = try registry.beginSynchronization(of: 7, TableScope())
    registry.close(old)
    for owner in 8...40 as ClosedRange<UInt32> {
      _ = registry.set([Self.binding(Int(owner))], atomic: true, now: fixture.now, owner: owner)
      _ = try registry.beginSynchronization(of: owner, TableScope())
      for _ in 0..<3 { _ = registry.sweep(old) }
    }
    #expect(old.removed == 0 && registry.bindingCount == 33)
  }

  @Test("An origin keeps account, synchronisation and checksum in twelve octets, as far as they go")
  func origins() {
    #expect(MemoryLayout<EntryOrigin>.size == 12)
    // More synchronisations than 32 bits count.
    for said: UInt64 in [0, 1, 1 << 32 - 1, 1 << 32, 1 << 32 + 5, 1 << 48 - 1] {
      let origin = EntryOrigin(account: .max, said: said, checksum: 0xdead_beef)
      #expect(origin.account == .max && origin.said == said && origin.checksum == 0xdead_beef)
    }
  }
}
