import FlowTable
import Testing

/// The kernel refuses memory: at every single mapping, nothing has changed, nothing is lost, and it goes on afterwards.
@Suite struct MemoryRefusalTests {
  private static let limits = FlowTableLimits(
    bindings: 1 << 20, tunnels: 8, nextHops: 8, routes: 1 << 20, retired: 1 << 16, workers: 2)

  private static func isRefusal(_ error: FlowTableError) -> Bool {
    if case .mapping = error { true } else { false }
  }

  /// Grants no mapping, then one, then two, until `body` has enough; after each refusal `check` is called with memory.
  ///
  /// - Returns: what `body` returned, and how many refusals there were.
  private func refusingEach<Result>(
    _ ledger: MappingLedger, _ body: () throws(FlowTableError) -> Result, check: () throws -> Void
  ) throws -> (Result, refusals: Int) {
    var refusals = 0
    while true {
      ledger.grant(refusals)
      do throws(FlowTableError) {
        let result = try body()
        ledger.grant(.max)
        return (result, refusals)
      } catch {
        try #require(Self.isRefusal(error), "\(error)")
        ledger.grant(.max)
        refusals += 1
        try check()
      }
    }
  }

  @Test func tableAndWriter() throws {
    let ledger = MappingLedger()
    try MappingLedger.$current.withValue(ledger) {
      do {
        let (table, ofTable) = try refusingEach(ledger) { () throws(FlowTableError) in
          try FlowTable(limits: Self.limits)
        } check: {
          #expect(ledger.octets == 0, "what was mapped before the refusal is given back")
        }
        // Header, quiescent states, two kinds of records, four parts of the trie, tunnels and next hops, two counters.
        #expect(ofTable >= 13)
        table.quiescence.online(0)
        let early = table.view.snapshot()
        let (writer, ofWriter) = try refusingEach(ledger) { () throws(FlowTableError) in
          try table.makeWriter()
        } check: {
          let address = try "2001:db8::1".asAddress
          #expect(table.view.snapshot().find([address]) == [nil])
        }
        // Three storages, six free lists and the retire queue.
        #expect(ofWriter >= 10)
        let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
        let bindings = (0..<2000).map { Binding(key: LimitTests.key($0), tunnel: tunnel) }
        try writer.apply(bindings.map { .set($0) })
        let addresses = bindings.map(\.key.prefix.address)
        #expect(table.view.snapshot().find(addresses) == bindings.map(Found.init))
        #expect(early.find(addresses).allSatisfy { $0 == nil })
        try writer.expectSound()
      }
      #expect(ledger.octets == 0, "table and writer have gone, and all their memory")
    }
  }

  /// Bindings in both tables come, change and go; each batch is first tried without memory. What needs none is done.
  @Test func bindings() throws {
    let seed = testSeed("MemoryRefusalTests.bindings")
    var generator = SeededGenerator(seed: seed)
    let ledger = MappingLedger()
    try MappingLedger.$current.withValue(ledger) {
      let fixture = try Fixture(retired: 1 << 16, seed: seed)
      let writer = fixture.writer
      var reference = ReferenceTable()
      var keys: [BindingKey] = []
      func key() -> BindingKey {
        if generator.oneIn(3), !keys.isEmpty { return keys[generator.below(keys.count)] }
        let address = IPAddress(ipv6High: generator.next() >> 8, low: generator.next())
        let length = [64, 64, 128, 56][generator.below(4)]
        keys.append(
          BindingKey(
            table: generator.oneIn(2) ? .mobile : .proxy, prefix: Prefix(covering: address, length: length)))
        return keys[keys.count - 1]
      }
      fixture.table.quiescence.online(0)
      var refused = 0
      while reference.bindings.count < 400 * testShare {
        let batch: [TableWriter.BindingChange] = (0..<1 + generator.below(800)).map { _ in
          let key = key()
          return generator.oneIn(5)
            ? .remove(key) : .set(Binding(key: key, tunnel: fixture.tunnels[generator.below(4)]))
        }
        let known = (0..<50).map { _ in keys[generator.below(keys.count)] }
        let snapshot = fixture.table.view.snapshot()
        let before = known.map { reference.bindings[$0] }
        let (_, refusals) = try refusingEach(ledger) { () throws(FlowTableError) in
          try writer.apply(batch)
        } check: {
          try #require(known.map { writer.binding($0) } == before, "seed \(seed)")
          let found = fixture.table.view.snapshot().find(known.map(\.prefix.address))
          let expected = known.map { reference.lookup($0.prefix.address).map(Found.init) }
          try #require(found == expected && writer.statistics.bindings == reference.bindings.count, "seed \(seed)")
          try writer.expectSound("seed \(seed), \(reference.bindings.count) bindings")
          // Replacing and removing need no memory of the kernel's.
          ledger.grant(0)
          if let present = known.compactMap({ reference.bindings[$0] }).first {
            try writer.apply([.remove(present.key)])
            try writer.apply([.set(present), .set(Binding(key: present.key, tunnel: fixture.tunnels[0]))])
            try writer.apply([.set(present)])
          }
          writer.reclaim()
          ledger.grant(.max)
        }
        refused += refusals
        try #require(
          snapshot.find(known.map(\.prefix.address))
            == known.map { reference.lookup($0.prefix.address).map(Found.init) },
          "seed \(seed)")
        reference.apply(batch)
        fixture.table.quiescence.report(0)
        writer.reclaim()
      }
      for (key, binding) in reference.bindings { #expect(writer.binding(key) == binding) }
      // Six doublings of each table from 640 slots on, unless a batch took two at once.
      #expect(refused >= (testShare < 100 ? 2 : 10), "seed \(seed)")
      try writer.expectSound("seed \(seed)")
    }
  }

  /// The same for routes: their hash table grows, and their trie has its memory from the beginning.
  @Test func routes() throws {
    let seed = testSeed("MemoryRefusalTests.routes")
    var generator = SeededGenerator(seed: seed)
    let ledger = MappingLedger()
    try MappingLedger.$current.withValue(ledger) {
      let fixture = try Fixture(retired: 1 << 16, seed: seed)
      let writer = fixture.writer
      let hops = try (0..<8).map { _ in try writer.addNextHop(.kernel) }
      var reference = ReferenceTable()
      var prefixes: [Prefix] = []
      var refused = 0
      while reference.routes.count < 100 * testShare {
        let batch: [RouteChange] = (0..<1 + generator.below(300)).map { _ in
          if generator.oneIn(4), !prefixes.isEmpty {
            let known = prefixes[generator.below(prefixes.count)]
            return generator.oneIn(2) ? .remove(known) : .set(known, hops[generator.below(8)])
          }
          let word = 0x2a00_0000_0000_0000 | generator.next() >> 20
          prefixes.append(
            Prefix(covering: IPAddress(ipv6High: word, low: generator.next()), length: 20 + generator.below(109)))
          return .set(prefixes[prefixes.count - 1], hops[generator.below(8)])
        }
        let targets = (0..<50).map { _ in prefixes[generator.below(prefixes.count)].address }
        let (_, refusals) = try refusingEach(ledger) { () throws(FlowTableError) in
          try writer.apply(routes: batch)
        } check: {
          let found = fixture.table.view.snapshot().findRoutes(targets)
          try #require(found == targets.map { reference.longestRoute($0) }, "seed \(seed)")
          try writer.expectSound("seed \(seed), \(reference.routes.count) routes")
        }
        refused += refusals
        reference.apply(routes: batch)
        let found = fixture.table.view.snapshot().findRoutes(targets)
        try #require(found == targets.map { reference.longestRoute($0) }, "seed \(seed)")
        writer.reclaim()
      }
      #expect(refused >= (testShare < 100 ? 1 : 3), "seed \(seed)")
      try writer.expectSound("seed \(seed)")
    }
  }

  /// An audit without memory for its notes says so, and reads nothing.
  @Test func audit() throws {
    let ledger = MappingLedger()
    try MappingLedger.$current.withValue(ledger) {
      let fixture = try Fixture()
      let before = ledger.octets
      let (report, refusals) = try refusingEach(ledger) { () throws(FlowTableError) in
        try TableAudit.run(fixture.writer)
      } check: {
        #expect(ledger.octets == before)
      }
      #expect(report.isSound && report.isWhole && refusals >= 9 && ledger.octets == before)
    }
  }
}
