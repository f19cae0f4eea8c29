import FlowTable
import Testing

/// Blocks of localized routes: what readers find in them, and when they and their tunnels go.
@Suite struct LocalizedRouteTests {
  /// The entry of the binding that a worker finds for an address.
  static func entry(_ snapshot: TableSnapshot, _ address: IPAddress) -> BindingEntry {
    var results: [UInt32] = [0]
    var span = results.mutableSpan
    snapshot.lookupBindings([LookupKey(address)].span, into: &span)
    return snapshot.binding(results[0])
  }

  @Test func departureTakesTheLongestThatSends() throws {
    let fixture = try Fixture()
    let tunnels = fixture.tunnels
    var binding = try fixture.binding("2001:db8:100:1::/64")
    binding.localizedRoutes = try fixture.writer.addLocalizedRoutes([
      LocalizedRoute(to: try "2001:db8:100:2::20/128".asPrefix, tunnel: tunnels[1]),
      LocalizedRoute(to: try "2001:db8:100:3::/64".asPrefix, tunnel: tunnels[2], isReceiveOnly: true),
      LocalizedRoute(to: try "2001:db8:100:2::/64".asPrefix, tunnel: tunnels[3]),
      LocalizedRoute(to: try "203.0.113.20/32".asPrefix, tunnel: tunnels[1]),
    ])
    try fixture.writer.apply([.set(binding)])
    let snapshot = fixture.table.view.snapshot()
    let entry = Self.entry(snapshot, try "2001:db8:100:1::1".asAddress)
    #expect(entry.localizedRoutes == binding.localizedRoutes)
    for (destination, tunnel) in [
      ("2001:db8:100:2::20", tunnels[1]), ("2001:db8:100:2::21", tunnels[3]), ("2001:db8:100:3::1", TunnelID(0)),
      ("2001:db8:100:4::1", TunnelID(0)), ("203.0.113.20", tunnels[1]), ("203.0.113.21", TunnelID(0)),
      // The IPv6 address that carries the IPv4 one is another.
      ("::ffff:203.0.113.20", TunnelID(0)),
    ] {
      #expect(snapshot.localizedTunnel(from: entry, to: try destination.asAddress) == tunnel, "\(destination)")
    }
    try fixture.writer.expectSound()
  }

  @Test func arrivalIsOfTheTunnelAndFromThePrefix() throws {
    let fixture = try Fixture()
    let tunnels = fixture.tunnels
    var binding = try fixture.binding("2001:db8:100:1::/64")
    binding.localizedRoutes = try fixture.writer.addLocalizedRoutes([
      LocalizedRoute(to: try "2001:db8:100:3::/64".asPrefix, tunnel: tunnels[2], isReceiveOnly: true),
      LocalizedRoute(to: try "2001:db8:100:2::/64".asPrefix, tunnel: tunnels[3]),
    ])
    try fixture.writer.apply([.set(binding), .set(try fixture.binding("2001:db8:100:9::/64"))])
    let snapshot = fixture.table.view.snapshot()
    let entry = Self.entry(snapshot, try "2001:db8:100:1::1".asAddress)
    let cases: [(String, TunnelID, LocalizedArrival)] = [
      ("2001:db8:100:3::1", tunnels[2], .accepted), ("2001:db8:100:2::1", tunnels[3], .accepted),
      ("2001:db8:100:2::1", tunnels[2], .foreignSource), ("2001:db8:100:3::1", tunnels[1], .otherTunnel),
    ]
    for (source, tunnel, answer) in cases {
      #expect(snapshot.localizedArrival(to: entry, from: try source.asAddress, by: tunnel) == answer)
    }
    // A binding without a block has no routes.
    let other = Self.entry(snapshot, try "2001:db8:100:9::1".asAddress)
    #expect(other.localizedRoutes == nil)
    #expect(snapshot.localizedTunnel(from: other, to: try "2001:db8:100:2::1".asAddress) == TunnelID(0))
    #expect(
      snapshot.localizedArrival(to: other, from: try "2001:db8:100:2::1".asAddress, by: tunnels[3]) == .otherTunnel)
  }

  @Test func blockAndTunnelsStayAsLongAsAnyoneNamesThem() throws {
    let fixture = try Fixture()
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    var binding = try fixture.binding("2001:db8:100:1::/64", 0)
    let target = try "2001:db8:100:2::1".asAddress
    let block = try writer.addLocalizedRoutes([
      LocalizedRoute(to: try "2001:db8:100:2::/64".asPrefix, tunnel: fixture.tunnels[1])
    ])
    #expect(throws: FlowTableError.tunnelInUse(fixture.tunnels[1], bindings: 1)) {
      try writer.removeTunnel(fixture.tunnels[1])
    }
    binding.localizedRoutes = block
    try writer.apply([.set(binding)])
    quiescence.online(0)
    let snapshot = fixture.table.view.snapshot()
    let entry = Self.entry(snapshot, binding.key.prefix.address)
    // Given up while it is named: it works on until the binding is replaced.
    writer.retireLocalizedRoutes(block)
    #expect(throws: FlowTableError.unknownLocalizedRoutes(block)) { try writer.apply([.set(binding)]) }
    #expect(throws: FlowTableError.tunnelInUse(fixture.tunnels[1], bindings: 1)) {
      try writer.removeTunnel(fixture.tunnels[1])
    }
    try writer.expectSound()
    binding.localizedRoutes = nil
    try writer.apply([.set(binding)])
    try writer.removeTunnel(fixture.tunnels[1])
    writer.reclaim()
    try writer.expectSound()
    // The reader of before still goes by it, and its memory is nobody else's.
    let other = try writer.addLocalizedRoutes([
      LocalizedRoute(to: try "::/0".asPrefix, tunnel: fixture.tunnels[2])
    ])
    #expect(other != block)
    #expect(snapshot.localizedTunnel(from: entry, to: target) == fixture.tunnels[1])
    quiescence.report(0)
    writer.reclaim()
    let again = try writer.addLocalizedRoutes([
      LocalizedRoute(to: try "::/0".asPrefix, tunnel: fixture.tunnels[2])
    ])
    #expect(again == block)
    try writer.expectSound()
  }

  @Test func refusals() throws {
    let limits = FlowTableLimits(
      bindings: 8, tunnels: 8, nextHops: 8, routes: 8, retired: 64, localizedRoutes: 300, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
    func routes(_ count: Int, _ tunnel: TunnelID) throws -> [LocalizedRoute] {
      (0..<count).map { number in
        let address = IPAddress(ipv6High: UInt64(number), low: 0)
        return LocalizedRoute(to: Prefix(covering: address, length: 64), tunnel: tunnel)
      }
    }
    for count in [0, 257] {
      #expect(throws: FlowTableError.tooManyLocalizedRoutes(count: count, limit: 256)) {
        try writer.addLocalizedRoutes(try routes(count, tunnel))
      }
    }
    #expect(throws: FlowTableError.unknownTunnel(TunnelID(5))) {
      try writer.addLocalizedRoutes(try routes(3, tunnel) + routes(1, TunnelID(5)))
    }
    let first = try writer.addLocalizedRoutes(try routes(256, tunnel))
    #expect(throws: FlowTableError.outOfLocalizedRoutes(limit: 300)) {
      try writer.addLocalizedRoutes(try routes(45, tunnel))
    }
    #expect(writer.localizedRoutes(first).count == 256)
    _ = try writer.addLocalizedRoutes(try routes(44, tunnel))
    writer.retireLocalizedRoutes(first)
    writer.retireLocalizedRoutes(first)
    #expect(writer.localizedRoutes(first) == [])
    let unknown = LocalizedRoutesID(77)
    let key = BindingKey(table: .proxy, prefix: try "2001:db8::/64".asPrefix)
    #expect(throws: FlowTableError.unknownLocalizedRoutes(unknown)) {
      try writer.apply([.set(Binding(key: key, tunnel: tunnel, localizedRoutes: unknown))])
    }
    try writer.expectSound()
  }

  /// Random blocks come, are named, renamed and given up, while a reader passes now and then; every answer is that of the
  /// routes that were written, and in the end all memory is free.
  @Test func randomBlocksBesideADictionary() throws {
    let seed = testSeed("randomBlocksBesideADictionary")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(seed: seed)
    let (writer, tunnels) = (fixture.writer, fixture.tunnels)
    var model: [Int: [LocalizedRoute]] = [:]
    var blocks: [Int: LocalizedRoutesID] = [:]
    fixture.table.quiescence.online(0)
    func network(_ number: Int) -> IPAddress { IPAddress(ipv6High: UInt64(number) << 16, low: 0) }
    for round in 0..<4000 {
      let node = generator.below(20)
      let old = blocks[node]
      let count = generator.oneIn(3) ? 0 : 1 + generator.below(generator.oneIn(9) ? 256 : 12)
      let routes = (0..<count).map { number in
        let tunnel = tunnels[generator.below(tunnels.count)]
        let to = Prefix(covering: network(number), length: number < count / 2 ? 64 : 56)
        return LocalizedRoute(to: to, tunnel: tunnel, isReceiveOnly: generator.oneIn(4))
      }
      blocks[node] = routes.isEmpty ? nil : try writer.addLocalizedRoutes(routes)
      model[node] = routes
      let key = BindingKey(table: .proxy, prefix: Prefix(covering: network(1000 + node), length: 64))
      if generator.oneIn(2), let old { writer.retireLocalizedRoutes(old) }
      try writer.apply([.set(Binding(key: key, tunnel: tunnels[0], localizedRoutes: blocks[node]))])
      if let old { writer.retireLocalizedRoutes(old) }
      if generator.oneIn(3) { fixture.table.quiescence.report(0) }
      writer.reclaim()
      let asked = generator.below(20)
      let snapshot = fixture.table.view.snapshot()
      let entry = Self.entry(snapshot, network(1000 + asked))
      let destination = network(generator.below(20))
      let expected = model[asked]?.first { !$0.isReceiveOnly && $0.to.contains(destination) }?.tunnel ?? TunnelID(0)
      try #require(snapshot.localizedTunnel(from: entry, to: destination) == expected, "round \(round)")
      if round % 200 == 0 { try writer.expectSound("seed \(seed), round \(round)") }
    }
    try writer.apply(
      (0..<20).map { .remove(BindingKey(table: .proxy, prefix: Prefix(covering: network(1000 + $0), length: 64))) })
    for block in blocks.values { writer.retireLocalizedRoutes(block) }
    fixture.table.quiescence.offline(0)
    writer.reclaim()
    for tunnel in tunnels { try writer.removeTunnel(tunnel) }
    try writer.expectSound()
  }
}
