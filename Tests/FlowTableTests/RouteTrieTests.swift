import FlowTable
import Glibc
import Synchronization
import Testing

/// The trie behind long routes: its boundaries, its memory, and readers beside the writer.
@Suite(.serialized) struct RouteTrieTests {
  /// How often a reader was answered by a route that comes and goes.
  final class Came: Sendable {
    let count = Atomic<Int>(0)
  }

  /// Every length of both families alone, then all of them nested: each address finds the longest that covers it.
  @Test(arguments: [AddressFamily.ipv6, .ipv4])
  func everyLengthNested(_ family: AddressFamily) throws {
    let fixture = try Fixture(nextHops: 256)
    let address =
      family == .ipv6 ? try "2a0f:55aa:33cc:f0f:aaaa:5555:1234:9876".asAddress : try "198.51.100.77".asAddress
    let longest = family.longestPrefix
    let hops = try (0...longest).map { _ in try fixture.writer.addNextHop(.kernel) }
    /// The address with one bit turned: it leaves the nest just above that bit's length.
    func turned(_ bit: Int) -> IPAddress {
      if family == .ipv4 { return IPAddress(ipv4: address.ipv4Value ^ 1 << UInt32(31 - bit)) }
      return bit < 64
        ? IPAddress(ipv6High: address.high ^ 1 << UInt64(63 - bit), low: address.low)
        : IPAddress(ipv6High: address.high, low: address.low ^ 1 << UInt64(127 - bit))
    }
    for length in 0...longest {
      let prefix = Prefix(covering: address, length: length)
      try fixture.writer.setRoute(prefix, hops[length])
      var addresses = [address]
      if length > 0 { addresses.append(turned(length - 1)) }
      let found = fixture.table.view.snapshot().findRoutes(addresses)
      #expect(found[0] == hops[length], "/\(length)")
      if length > 0 { #expect(found[1] == hops[length - 1], "beside /\(length)") }
      try fixture.writer.expectSound("/\(length)")
    }
    // From the middle outwards: each removal uncovers the next shorter one.
    for length in stride(from: longest, through: 0, by: -1) {
      try fixture.writer.removeRoute(Prefix(covering: address, length: length))
      let found = fixture.table.view.snapshot().findRoutes([address])
      #expect(found == [length == 0 ? nil : hops[length - 1]], "without /\(length)")
      try fixture.writer.expectSound("without /\(length)")
    }
    fixture.writer.reclaim()
    #expect(fixture.writer.statistics.routes == 0 && fixture.writer.memory.routeTrie == 0)
    try fixture.writer.expectSound()
  }

  /// What is removed gives its memory back: after a thousand rounds of filling and emptying none is lost.
  @Test func memoryComesBack() throws {
    let seed = testSeed("memoryComesBack")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(seed: seed)
    var highest = 0
    for round in 0..<10 * testShare {
      var prefixes: Set<Prefix> = []
      for _ in 0..<100 {
        // Few distinct words, so that nodes have siblings and children.
        let word = UInt64(generator.below(40)) << 40 | UInt64(generator.below(8)) << 20
        let address = IPAddress(ipv6High: 0x2a00_0000_0000_0000 | word, low: generator.next())
        prefixes.insert(Prefix(covering: address, length: 25 + generator.below(104)))
      }
      try fixture.writer.apply(routes: prefixes.map { .set($0, fixture.nextHop) })
      try fixture.writer.apply(routes: prefixes.map { .remove($0) })
      fixture.writer.reclaim()
      // Not one node or leaf is in use, and the audit finds none that is lost.
      try #require(fixture.writer.memory.routeTrie == 0, "seed \(seed), round \(round)")
      if round % 10 == 0 { try fixture.writer.expectSound("seed \(seed), round \(round)") }
      if round == testShare { highest = fixture.writer.statistics.memoryBytes }
    }
    // The most that any round took at once varies a little.
    #expect(fixture.writer.statistics.memoryBytes < highest + highest / 2, "seed \(seed)")
    try fixture.writer.expectSound("seed \(seed)")
  }

  /// Routes that stay are found in every look-up, and an address is never without the one that always covers it.
  @Test func readersBesideChanges() throws {
    let seed = testSeed("readersBesideChanges")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(retired: 1 << 14, seed: seed)
    let (cover, stay, come) = (
      try fixture.writer.addNextHop(.kernel), try fixture.writer.addNextHop(.kernel),
      try fixture.writer.addNextHop(.kernel)
    )
    try fixture.writer.setRoute("2a00::/25".asPrefix, cover)
    let fixed = try (0..<64).map { try "2a00:0:\(String($0 * 7, radix: 16))::/48".asPrefix }
    try fixture.writer.apply(routes: fixed.map { .set($0, stay) })
    let inside = fixed.map { LookupKey($0.address) }
    let beside = fixed.map { LookupKey(IPAddress(ipv6High: $0.address.high ^ 1 << 17, low: 5)) }
    let came = Came()
    let reader = ReaderThread(fixture, worker: 0) { snapshot in
      var results = [UInt32](repeating: 0, count: 128)
      var span = results.mutableSpan
      snapshot.lookupRoutes((inside + beside).span, into: &span)
      let lost = results[..<64].count { $0 != stay.rawValue }
      came.count.add(results[64...].count { $0 == come.rawValue }, ordering: .relaxed)
      return lost + results[64...].count { $0 != cover.rawValue && $0 != come.rawValue }
    }
    var changes = 0
    while changes < 2000 * testShare || reader.turns < 20 * testShare || came.count.load(ordering: .relaxed) == 0 {
      let batch: [RouteChange] = (0..<8).map { _ in
        let near = beside[generator.below(64)]
        let prefix = Prefix(
          covering: IPAddress(ipv6High: near.high, low: near.low), length: 47 + generator.below(60))
        return generator.oneIn(2) ? .remove(prefix) : .set(prefix, come)
      }
      do {
        try fixture.writer.apply(routes: batch)
        changes += batch.count
      } catch {
        // The reader has not moved for as long as that; these changes are not made.
        guard case .retireQueueFull = error else { throw error }
        sched_yield()
      }
      fixture.writer.reclaim()
      if changes % (200 * testShare) == 0 { try fixture.writer.expectSound("seed \(seed), after \(changes)") }
    }
    #expect(reader.finish() == 0, "seed \(seed)")
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
  }
}
