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
}
