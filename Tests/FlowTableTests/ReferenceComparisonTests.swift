import FlowTable
import Testing

/// Random changes and lookups, the table and the reference table side by side.
@Suite(.serialized) struct ReferenceComparisonTests {
  /// Draws prefixes from a universe small enough that they nest, collide and come back.
  struct Universe {
    var generator: SeededGenerator
    let bases: [UInt64]
    var known: [Prefix] = []

    init(seed: UInt64) {
      generator = SeededGenerator(seed: seed)
      var source = generator
      bases = (0..<6).map { _ in source.next() }
      generator = source
    }

    mutating func address() -> IPAddress {
      // A base with a few bits turned in the half where lengths will cut.
      let sparse = generator.next() & generator.next() & generator.next() & generator.next()
      let word = bases[generator.below(bases.count)] ^ (generator.oneIn(2) ? sparse : 0)
      switch generator.below(4) {
      case 0: return IPAddress(ipv4: UInt32(truncatingIfNeeded: word >> 16))
      // The mapped range in IPv6 must stay apart from IPv4.
      case 1 where generator.oneIn(4):
        return IPAddress(ipv6High: 0, low: 0x0000_ffff_0000_0000 | word >> 16 & 0xffff_ffff)
      default: return IPAddress(ipv6High: word, low: generator.oneIn(2) ? sparse : word &* 3)
      }
    }

    mutating func prefix() -> Prefix {
      if !known.isEmpty && !generator.oneIn(4) { return known[generator.below(known.count)] }
      let address = address()
      let common = address.family == .ipv6 ? [64, 128, 64, 48, 0] : [32, 24, 32, 16, 0]
      let width = address.family.longestPrefix
      let length = generator.oneIn(2) ? common[generator.below(common.count)] : generator.below(width + 1)
      let prefix = Prefix(covering: address, length: length)
      if known.count < 700 { known.append(prefix) } else { known[generator.below(known.count)] = prefix }
      return prefix
    }

    /// An address in a known prefix, next to one, or anywhere.
    mutating func target() -> IPAddress {
      guard !known.isEmpty, !generator.oneIn(6) else { return address() }
      let network = known[generator.below(known.count)].address
      let sparse = generator.next() & generator.next() & generator.next()
      return network.family == .ipv4
        ? IPAddress(ipv4: network.ipv4Value | UInt32(truncatingIfNeeded: sparse))
        : IPAddress(ipv6High: network.high | (generator.oneIn(2) ? sparse : 0), low: network.low | sparse)
    }

    mutating func change(_ tunnels: [TunnelID]) -> TableWriter.BindingChange {
      let key = BindingKey(table: generator.oneIn(3) ? .mobile : .proxy, prefix: prefix())
      if generator.below(5) < 2 { return .remove(key) }
      let mac = MACAddress(generator.next())
      let vlan = generator.oneIn(2) ? nil : UInt16(1 + generator.below(4094))
      let state = BindingState.allCases[generator.below(BindingState.allCases.count)]
      let isVisitor = generator.oneIn(8)
      return .set(
        Binding(
          key: key, tunnel: isVisitor ? TunnelID(0) : tunnels[generator.below(tunnels.count)], state: state,
          access: generator.oneIn(2)
            ? AccessLink(port: UInt8(generator.below(256)), mac: mac, vlan: vlan) : nil,
          localRouting: [nil, true, false][generator.below(3)],
          requiresESP: generator.oneIn(4), peer: generator.oneIn(3) ? tunnels[generator.below(tunnels.count)] : nil,
          holding: generator.oneIn(4) ? HoldingID(UInt32(1 + generator.below(65536))) : nil,
          isFlushed: state == .active && generator.oneIn(4), isVisitor: isVisitor))
    }
  }

  @Test func bindingsMatchTheReference() throws {
    let seed = testSeed("bindingsMatchTheReference")
    var universe = Universe(seed: seed)
    let fixture = try Fixture(tunnels: 8, seed: seed)
    let quiescence = fixture.table.quiescence
    var reference = ReferenceTable()
    var (changes, lookups) = (0, 0)
    fixture.table.handoverLedger.openAll()
    quiescence.online(0)
    while changes < 20_000 * testShare {
      // A turn: a snapshot, and changes that must not show in it although the writer goes on and reclaims.
      let snapshot = fixture.table.view.snapshot()
      let before = reference
      for _ in 0..<universe.generator.below(4) {
        let batch = (0..<universe.generator.below(400)).map { _ in universe.change(fixture.tunnels) }
        let generation = try fixture.writer.apply(batch)
        reference.apply(batch)
        changes += batch.count
        #expect(!fixture.writer.isQuiesced(generation))
        if universe.generator.oneIn(2) { fixture.writer.reclaim() }
      }
      let targets = (0..<universe.generator.below(60)).map { _ in universe.target() }
      lookups += 2 * targets.count
      let old = targets.map { before.lookup($0).map(Found.init) }
      try #require(snapshot.find(targets) == old, "seed \(seed), after \(changes) changes, old snapshot")
      let new = targets.map { reference.lookup($0).map(Found.init) }
      let now = fixture.table.view.snapshot().find(targets)
      try #require(now == new, "seed \(seed), after \(changes) changes")
      for target in targets.prefix(4) {
        let expected = before.longestMatch(.proxy, target).map(Found.init)
        try #require(snapshot.findProxy(target) == expected, "seed \(seed), after \(changes) changes, proxy only")
      }
      if universe.generator.oneIn(50) { try fixture.writer.expectSound("seed \(seed), after \(changes) changes") }
      quiescence.report(0)
    }
    quiescence.offline(0)
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
    let statistics = fixture.writer.statistics
    #expect(statistics.bindings == reference.bindings.count && statistics.retired == 0)
    #expect(statistics.proxyTable.entries + statistics.mobileTable.entries == reference.bindings.count)
    for (key, binding) in reference.bindings { #expect(fixture.writer.binding(key) == binding) }
    #expect(lookups > 1000 * testShare)
  }

  @Test func routesMatchTheReference() throws {
    let seed = testSeed("routesMatchTheReference")
    var universe = Universe(seed: seed)
    let fixture = try Fixture(seed: seed)
    let hops = try (0..<20).map { _ in try fixture.writer.addNextHop(.kernel) }
    var reference = ReferenceTable()
    for round in 0..<30 * testShare {
      let batch: [RouteChange] = (0..<universe.generator.below(200)).map { _ in
        let prefix = universe.prefix()
        return universe.generator.oneIn(3) ? .remove(prefix) : .set(prefix, hops[universe.generator.below(hops.count)])
      }
      try fixture.writer.apply(routes: batch)
      reference.apply(routes: batch)
      fixture.writer.reclaim()
      let targets = (0..<40).map { _ in universe.target() }
      let found = fixture.table.view.snapshot().findRoutes(targets)
      try #require(found == targets.map { reference.longestRoute($0) }, "seed \(seed), round \(round)")
      if round % 30 == 0 { try fixture.writer.expectSound("seed \(seed), round \(round)") }
    }
    #expect(fixture.writer.statistics.routes == reference.routes.count)
    for (prefix, hop) in reference.routes { #expect(fixture.writer.route(prefix) == hop) }
  }

  /// Growth to many keys in one storage after another, then down to nothing, with every length of both families.
  @Test func growsAndEmpties() throws {
    let seed = testSeed("growsAndEmpties")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(seed: seed)
    var reference = ReferenceTable()
    var keys: [BindingKey] = []
    while keys.count < 3000 * testShare {
      let batch: [TableWriter.BindingChange] = (0..<1 + generator.below(3000)).map { _ in
        let address =
          generator.oneIn(4)
          ? IPAddress(ipv4: UInt32(truncatingIfNeeded: generator.next()))
          : IPAddress(ipv6High: generator.next(), low: generator.next())
        let length = generator.below(address.family.longestPrefix + 1)
        keys.append(BindingKey(table: .proxy, prefix: Prefix(covering: address, length: length)))
        return .set(Binding(key: keys[keys.count - 1], tunnel: fixture.tunnels[generator.below(4)]))
      }
      try fixture.writer.apply(batch)
      reference.apply(batch)
      let targets = (0..<8).map { _ in keys[generator.below(keys.count)].prefix.address }
      let found = fixture.table.view.snapshot().find(targets)
      try #require(found == targets.map { reference.lookup($0).map(Found.init) }, "seed \(seed), \(keys.count) keys")
      if generator.oneIn(10) { try fixture.writer.expectSound("seed \(seed), \(keys.count) keys") }
    }
    for key in reference.bindings.keys { #expect(fixture.writer.binding(key) == reference.bindings[key]) }
    keys.shuffle(using: &generator)
    for start in stride(from: 0, to: keys.count, by: 5000) {
      try fixture.writer.apply(keys[start..<min(start + 5000, keys.count)].map { .remove($0) })
      if generator.oneIn(3) { fixture.writer.reclaim() }
      if generator.oneIn(10) { try fixture.writer.expectSound("seed \(seed), from \(start) on") }
    }
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
    let statistics = fixture.writer.statistics
    #expect(statistics.bindings == 0 && statistics.proxyTable.entries == 0 && statistics.retired == 0)
    #expect(fixture.table.view.snapshot().find(keys.prefix(1000).map(\.prefix.address)).allSatisfy { $0 == nil })
  }
}
