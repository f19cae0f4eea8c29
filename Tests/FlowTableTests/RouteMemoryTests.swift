import FlowTable
import Testing

/// The memory of the route trie under a reader that does not move, and after it has moved.
@Suite(.serialized) struct RouteMemoryTests {
  /// Changes below one dense node, each of which replaces its 64 leaves, until the writer refuses. The refusal says what
  /// to do, and when the reader has moved there is as much room as before.
  @Test func stuckReaderIsNoEnd() throws {
    let fixture = try Fixture(retired: 1 << 22)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let hops = try (0..<2).map { _ in try writer.addNextHop(.kernel) }
    let prefixes = (0..<64).map { number in
      Prefix(covering: IPAddress(ipv6High: 0x2001_0db8_0000_0000 | UInt64(number) << 28, low: 0), length: 36)
    }
    try writer.apply(routes: prefixes.enumerated().map { .set($1, hops[$0 % 2]) })
    quiescence.online(0)
    let held = fixture.table.view.snapshot()
    var taken: [Int] = []
    for _ in 0..<3 {
      var refusal: FlowTableError?
      var changes = 0
      while refusal == nil && changes < 300_000 {
        // Beside its neighbours' hop in turns, so that there are always 63 or 64 runs.
        do { try writer.setRoute(prefixes[changes % 64], hops[(changes % 64 + changes / 64 + 1) % 2]) } catch {
          refusal = error
        }
        changes += 1
      }
      #expect(refusal == .retireQueueFull(capacity: 1 << 22), "after \(changes) changes")
      #expect(throws: FlowTableError.retireQueueFull(capacity: 1 << 22)) { try writer.removeRoute(prefixes[0]) }
      #expect(writer.statistics.laggingWorkers == [0])
      taken.append(changes)
      // Twice, since a removed route's record waits twice.
      for _ in 0..<2 {
        quiescence.report(0)
        writer.reclaim()
      }
      #expect(writer.statistics.laggingWorkers == [])
      try writer.removeRoute(prefixes[9])
      try writer.setRoute(prefixes[9], hops[0])
      try writer.expectSound()
    }
    #expect(taken[2] > taken[0] / 2, "\(taken)")
    #expect(held.findRoutes([prefixes[0].address]) != [nil])
  }

  /// The same with blocks of all sizes: what a stall has cut small serves for large blocks after it.
  @Test func stallsOfAllSizes() throws {
    let seed = testSeed("stallsOfAllSizes")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(retired: 1 << 13, seed: seed)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let hops = try (0..<9).map { _ in try writer.addNextHop(.kernel) }
    var reference = ReferenceTable()
    quiescence.online(0)
    var (taken, bytes): ([Int], [Int]) = ([], [])
    for round in 0..<24 {
      // Of each round its own size of blocks, so that none finds what another freed.
      let width = 1 << (round % 6 + 1)
      var changes = 0
      while changes < 100_000 {
        let word = 0x2a00_0000_0000_0000 | UInt64(generator.below(width)) << 34 | UInt64(generator.below(width)) << 28
        let prefix = Prefix(covering: IPAddress(ipv6High: word, low: 0), length: 30 + 6 * generator.below(2))
        let change: RouteChange =
          generator.oneIn(3) ? .remove(prefix) : .set(prefix, hops[generator.below(hops.count)])
        do { try writer.apply(routes: [change]) } catch {
          try #require(error == .retireQueueFull(capacity: 1 << 13), "seed \(seed), round \(round)")
          break
        }
        reference.apply(routes: [change])
        changes += 1
      }
      taken.append(changes)
      quiescence.report(0)
      writer.reclaim()
      quiescence.report(0)
      writer.reclaim()
      bytes.append(writer.memory.routeTrie)
      let addresses = (0..<200).map { _ in
        IPAddress(ipv6High: 0x2a00_0000_0000_0000 | generator.next() & 0x0000_00ff_f000_0000, low: 0)
      }
      let found = fixture.table.view.snapshot().findRoutes(addresses)
      try #require(found == addresses.map { reference.longestRoute($0) }, "seed \(seed), round \(round)")
      try writer.expectSound("seed \(seed), round \(round)")
    }
    // In the second dozen there are the same routes as at the end of the first, give or take some.
    #expect(bytes[23] <= bytes[11] + bytes[11] / 4, "seed \(seed): \(bytes)")
    for (early, late) in zip(taken[6..<12], taken[18..<24]) { #expect(late > early / 2, "seed \(seed): \(taken)") }
  }

  /// A full IPv6 table (230,000 prefixes) in one batch, into an empty table of standard limits; replaced and removed by
  /// one batch each.
  @Test func fullTableInOneBatch() throws {
    let seed = testSeed("fullTableInOneBatch")
    var generator = SeededGenerator(seed: seed)
    let table = try FlowTable(limits: FlowTableLimits(workers: 1), seed: (seed, ~seed))
    let writer = try table.makeWriter()
    let hops = try (0..<16).map { _ in try writer.addNextHop(.kernel) }
    var routes: [Prefix: NextHopID] = [:]
    while routes.count < 230_000 {
      let word = 0x2000_0000_0000_0000 | generator.next() >> 3
      let length = generator.oneIn(2) ? 48 : 20 + generator.below(45)
      routes[Prefix(covering: IPAddress(ipv6High: word, low: 0), length: length)] = hops[generator.below(hops.count)]
    }
    try writer.apply(routes: routes.map { .set($0, $1) })
    #expect(writer.statistics.routes == 230_000)
    try writer.apply(routes: routes.map { .set($0.key, hops[0]) })
    try writer.apply(routes: routes.keys.map { .remove($0) })
    writer.reclaim()
    #expect(writer.statistics.routes == 0 && writer.memory.routeTrie == 0)
    try writer.expectSound("seed \(seed)")
  }

  /// Blocks of localized routes of one size, held up by a reader, and then of all others.
  @Test func localizedRoutesAfterAStall() throws {
    let limits = FlowTableLimits(
      bindings: 8, tunnels: 8, nextHops: 8, routes: 8, retired: 64, localizedRoutes: 1000, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
    func block(_ count: Int) throws(FlowTableError) -> LocalizedRoutesID {
      let to = Prefix(covering: IPAddress(ipv6High: 0x2001_0db8_0000_0000, low: 0), length: 64)
      return try writer.addLocalizedRoutes([LocalizedRoute](repeating: .init(to: to, tunnel: tunnel), count: count))
    }
    table.quiescence.online(0)
    for count in [1, 7, 12, 20, 30, 40, 60, 80, 120, 160, 250] {
      var refusal: FlowTableError?
      var blocks = 0
      while refusal == nil && blocks < 100_000 {
        do { writer.retireLocalizedRoutes(try block(count)) } catch { refusal = error }
        // A generation that the reader has not reported, for the rest to wait for.
        if blocks == 0 { try writer.apply([]) }
        blocks += 1
      }
      #expect(refusal == .retireQueueFull(capacity: 1000), "blocks of \(count)")
      #expect(writer.statistics.laggingWorkers == [0], "blocks of \(count)")
      table.quiescence.report(0)
      writer.reclaim()
      #expect(writer.statistics.laggingWorkers == [])
      for other in [256, 1, 100, 3] { writer.retireLocalizedRoutes(try block(other)) }
      try writer.expectSound("blocks of \(count)")
    }
  }
}
