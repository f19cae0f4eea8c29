import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Many bindings in the registry")
struct RegistryBulkTests {
  /// The n-th /64 of 2001:db8:100::/40.
  private static func prefix(_ number: UInt32) -> WirePrefix {
    let address = IPAddress(ipv6High: 0x2001_0db8_0100_0000 + UInt64(number), low: 0)
    return Prefix(covering: address, length: 64).wire
  }

  private static func record(_ number: UInt32) -> TableRecord {
    .binding(BindingRecord(prefix: prefix(number), tunnel: number % 3 == 0 ? Sample.mag2 : Sample.mag1))
  }

  private static func isThere(_ number: UInt32, _ fixture: RegistryFixture) -> Bool {
    fixture.registry.lookup(.prefix(prefix(number)), now: fixture.now).map(\.record) == [record(number)]
  }

  @Test("Added and removed by the thousand in random order, each is found exactly while it is there")
  func churn() throws {
    let seed = testSeed("RegistryBulkTests")
    var random = SeededGenerator(seed: seed)
    let fixture = try RegistryFixture(bindings: 1 << 16, retired: 1 << 18)
    var present: Set<UInt32> = []
    for round in 0..<6 {
      let added = (0..<15_000).map { _ in UInt32.random(in: 0..<50_000, using: &random) }
      for start in stride(from: 0, to: added.count, by: 1000) {
        let part = added[start..<start + 1000].map(Self.record)
        let outcome = fixture.registry.set(part, atomic: Bool.random(using: &random), now: fixture.now)
        #expect(outcome.firstFailure == nil)
      }
      present.formUnion(added)
      let removed = present.shuffled(using: &random).prefix(present.count * 2 / 3)
      for start in stride(from: 0, to: removed.count, by: 1000) {
        let keys = removed.dropFirst(start).prefix(1000).map { Self.record($0).key }
        #expect(Int(fixture.registry.delete(keys, atomic: false, now: fixture.now).applied) == keys.count)
      }
      present.subtract(removed)
      #expect(fixture.registry.bindingCount == present.count)
      for _ in 0..<5000 {
        let number = UInt32.random(in: 0..<50_000, using: &random)
        try #require(
          Self.isThere(number, fixture) == present.contains(number), "seed \(seed), round \(round), \(number)")
      }
      let dump = try fixture.dump(.bindings, slice: 999)
      #expect(dump.count == present.count && Set(dump) == Set(present.map(Self.record)), "seed \(seed), round \(round)")
      fixture.writer.reclaim()
    }
  }

  @Test("A replacement that removes more than may wait for the workers is made, and one behind a stuck worker refused")
  func replacementBeyondTheRetireQueue() throws {
    let fixture = try RegistryFixture(bindings: 4096, retired: 256)
    let all = (0..<4000 as Range<UInt32>).map(Self.record)
    #expect(fixture.registry.set(all, atomic: false, now: fixture.now).applied == 4000)
    fixture.table.quiescence.online(0)
    // Two for each removal: more than half of the queue.
    let first = fixture.registry.delete(all.prefix(70).map(\.key), atomic: true, now: fixture.now)
    #expect(first.applied == 70)
    let dump = try fixture.dump(slice: 1000)
    let refused = fixture.registry.replace(Replacement(TableScope(.bindings)), owner: 0, now: fixture.now)
    #expect(refused.firstFailure?.code == .unavailable && refused.removed == 0)
    #expect(try fixture.dump(slice: 1000) == dump)
    fixture.table.quiescence.report(0)
    let outcome = fixture.registry.replace(Replacement(TableScope(.bindings)), owner: 0, now: fixture.now)
    #expect(outcome == Outcome(removed: 3930, generation: fixture.registry.generation))
    #expect(fixture.writer.statistics.bindings == 0 && fixture.registry.bindingCount == 0)
    fixture.table.quiescence.offline(0)
    fixture.writer.reclaim()
    #expect(fixture.registry.set(all, atomic: false, now: fixture.now).applied == 4000)
  }

  @Test("A dump, a sweep and a revocation pass a hundred thousand entries that have gone as if they had not been there")
  func emptySlots() throws {
    let count: UInt32 = 300_000
    let fixture = try RegistryFixture(bindings: Int(count), retired: 1 << 20)
    let registry = fixture.registry
    let last = Self.record(count - 1)
    for start in stride(from: 0, to: count, by: 10_000) {
      _ = registry.set((start..<start + 10_000).map(Self.record), atomic: false, now: fixture.now)
    }
    let replacement = Replacement(TableScope(.bindings))
    replacement.add(UpsertRequest(records: [last]), (CRC32(), 0))
    #expect(registry.replace(replacement, owner: 0, now: fixture.now).removed == count - 1)
    // The quickest of many: a walk through the slots would read 30 MB each time, which takes 3 ms.
    var quickest = Duration.seconds(1)
    for _ in 0..<50 {
      let time = try ContinuousClock().measure {
        let slice = try #require(registry.dump(DumpRequest(table: .bindings), limit: 2048, now: fixture.now))
        #expect(slice.records == [last])
      }
      quickest = min(quickest, time)
    }
    #expect(quickest < .milliseconds(1), "\(quickest)")
  }
}
