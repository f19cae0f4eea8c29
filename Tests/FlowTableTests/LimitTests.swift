import FlowTable
import Testing

/// A change that is refused has changed nothing: not the bindings, not the generation, not the use counts.
@Suite struct LimitTests {
  static func key(_ number: Int) -> BindingKey {
    BindingKey(
      table: .proxy, prefix: Prefix(covering: IPAddress(ipv6High: UInt64(number) << 8, low: 0), length: 64))
  }

  @Test func bindings() throws {
    let fixture = try Fixture(bindings: 100)
    let all = (0..<100).map { TableWriter.BindingChange.set(Binding(key: Self.key($0), tunnel: fixture.tunnels[0])) }
    let generation = try fixture.writer.apply(all)
    let more = TableWriter.BindingChange.set(Binding(key: Self.key(100), tunnel: fixture.tunnels[1]))
    let replacement = TableWriter.BindingChange.set(Binding(key: Self.key(7), tunnel: fixture.tunnels[1]))
    #expect(throws: FlowTableError.outOfBindings(limit: 100)) { try fixture.writer.apply([replacement, more]) }
    #expect(fixture.writer.generation == generation)
    #expect(fixture.writer.binding(Self.key(7))?.tunnel == fixture.tunnels[0])
    #expect(fixture.writer.binding(Self.key(100)) == nil)
    try fixture.writer.removeTunnel(fixture.tunnels[1])  // nothing names it
    // At the limit, replacing still works, and so does a batch that makes its own room, or sets one new key twice.
    let other = fixture.tunnels[2]
    try fixture.writer.apply([.set(Binding(key: Self.key(7), tunnel: other))])
    let late = TableWriter.BindingChange.set(Binding(key: Self.key(100), tunnel: other))
    try fixture.writer.apply([late, .remove(Self.key(8)), late])
    #expect(fixture.writer.statistics.bindings == 100)
    #expect(fixture.writer.binding(Self.key(8)) == nil && fixture.writer.binding(Self.key(100))?.tunnel == other)
    // A second removal of one key makes no second place.
    let another = TableWriter.BindingChange.set(Binding(key: Self.key(102), tunnel: other))
    #expect(throws: FlowTableError.outOfBindings(limit: 100)) {
      try fixture.writer.apply([
        .remove(Self.key(9)), .remove(Self.key(9)), .set(Binding(key: Self.key(101), tunnel: other)), another,
      ])
    }
    try fixture.writer.expectSound()
    #expect(fixture.writer.binding(Self.key(9)) != nil && fixture.writer.binding(Self.key(101)) == nil)
  }

  /// Another content for the whole table is one batch, whatever its size; it goes while at most half of the queue is in
  /// use, so that what a worker that does not move holds back has a bound.
  @Test func batchBeyondTheRetireQueue() throws {
    let fixture = try Fixture(bindings: 1001, retired: 64)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    func keys(_ round: Int) -> [BindingKey] { (0..<1000).map { Self.key(1000 * round + $0) } }
    func content(_ round: Int) -> [TableWriter.BindingChange] {
      keys(round).map { .set(Binding(key: $0, tunnel: fixture.tunnels[round % 4])) }
    }
    try writer.apply(content(0))
    quiescence.online(0)
    let old = fixture.table.view.snapshot()
    for round in 1...32 {
      try writer.apply([.set(Binding(key: Self.key(0), tunnel: fixture.tunnels[round % 4]))])
    }
    // 32 of 64 wait; a removal of all and a new content of the same size are 2000 more.
    try writer.apply(keys(0).map { .remove($0) } + content(1))
    try writer.expectSound()
    #expect(writer.statistics.retired == 2032 && writer.statistics.bindings == 1000)
    let addresses = (keys(0) + keys(1)).map { $0.prefix.address }
    let news = fixture.table.view.snapshot().find(addresses)
    #expect(news[..<1000].allSatisfy { $0 == nil } && news[1000...].allSatisfy { $0 != nil })
    #expect(old.find(addresses)[..<1000].allSatisfy { $0 != nil })
    let full = FlowTableError.retireQueueFull(capacity: 64)
    #expect(throws: full) { try writer.apply(content(1).reversed()) }
    #expect(throws: full) { try writer.apply([.remove(Self.key(1000))]) }
    // What retires nothing goes on: a new mobile node does not wait for a worker.
    try writer.apply([.set(Binding(key: Self.key(500_000), tunnel: fixture.tunnels[0]))])
    #expect(writer.statistics.retired == 2032 && writer.statistics.bindings == 1001)
    // A removed binding takes two rounds.
    for _ in 0..<2 {
      quiescence.report(0)
      writer.reclaim()
    }
    try writer.expectSound()
    // Again and again: what was beyond the limit is freed.
    for round in 2..<6 {
      try writer.apply(keys(round - 1).map { .remove($0) } + content(round))
      for number in 0..<20 {
        _ = try? writer.apply([.set(Binding(key: keys(round)[number], tunnel: fixture.tunnels[0]))])
      }
      try writer.expectSound("round \(round)")
      for _ in 0..<2 {
        quiescence.report(0)
        writer.reclaim()
      }
      #expect(writer.statistics.retired == 0)
    }
    quiescence.offline(0)
  }

  @Test func routesTunnelsNextHops() throws {
    let limits = FlowTableLimits(bindings: 4, tunnels: 2, nextHops: 3, routes: 2, retired: 64, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let hops = try (0..<3).map { _ in try writer.addNextHop(.kernel) }
    #expect(throws: FlowTableError.outOfNextHops(limit: 3)) { try writer.addNextHop(.kernel) }
    try writer.apply(routes: [.set("::/0".asPrefix, hops[0]), .set("10.0.0.0/8".asPrefix, hops[1])])
    #expect(throws: FlowTableError.outOfRoutes(limit: 2)) { try writer.setRoute("2001:db8::/32".asPrefix, hops[2]) }
    #expect(try writer.route("2001:db8::/32".asPrefix) == nil && writer.statistics.routes == 2)
    for number in 0..<2 {
      _ = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(number)), nextHop: hops[0])
    }
    #expect(throws: FlowTableError.outOfTunnels(limit: 2)) {
      try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(2)), nextHop: hops[0])
    }
    #expect(writer.tunnel(Fixture.endpoints(2)) == nil && writer.statistics.tunnels == 2)
  }

  @Test func identifiersComeBackAfterRemoval() throws {
    let limits = FlowTableLimits(bindings: 4, tunnels: 2, nextHops: 2, routes: 2, retired: 8, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    for round in 0..<1000 {
      let hop = try writer.addNextHop(.kernel)
      let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(round)), nextHop: hop)
      #expect(hop.rawValue >= 1 && hop.rawValue <= 2 && tunnel.rawValue >= 1 && tunnel.rawValue <= 2)
      try writer.setRoute("::/0".asPrefix, hop)
      try writer.apply([.set(Binding(key: Self.key(round), tunnel: tunnel))])
      try writer.apply([.remove(Self.key(round))])
      try writer.removeRoute("::/0".asPrefix)
      try writer.removeTunnel(tunnel)
      try writer.removeNextHop(hop)
      if round % 50 == 0 { try writer.expectSound("round \(round)") }
    }
    #expect(writer.statistics.tunnels == 0 && writer.statistics.nextHops == 0 && writer.statistics.routes == 0)
  }

  @Test func unknownNames() throws {
    let fixture = try Fixture()
    let bad = TunnelID(40)
    let good = Binding(key: Self.key(1), tunnel: fixture.tunnels[0])
    for wrong in [
      Binding(key: Self.key(2), tunnel: bad), Binding(key: Self.key(2), tunnel: fixture.tunnels[0], peer: bad),
    ] {
      #expect(throws: FlowTableError.unknownTunnel(bad)) { try fixture.writer.apply([.set(good), .set(wrong)]) }
    }
    #expect(throws: FlowTableError.unknownTunnel(TunnelID(0))) {
      try fixture.writer.apply([.set(Binding(key: Self.key(2), tunnel: TunnelID(0)))])
    }
    #expect(fixture.writer.binding(Self.key(1)) == nil)
    let hop = NextHopID(9)
    #expect(throws: FlowTableError.unknownNextHop(hop)) {
      try fixture.writer.apply(routes: [.set("::/0".asPrefix, fixture.nextHop), .set("1::/16".asPrefix, hop)])
    }
    #expect(try fixture.writer.route("::/0".asPrefix) == nil)
    #expect(throws: FlowTableError.unknownNextHop(hop)) { try fixture.writer.updateNextHop(hop, .kernel) }
    #expect(throws: FlowTableError.unknownNextHop(NextHopID(0))) { try fixture.writer.removeNextHop(NextHopID(0)) }
    #expect(throws: FlowTableError.unknownTunnel(bad)) { try fixture.writer.removeTunnel(bad) }
  }

  /// An account of held packets is a cell that workers write to: there are 65,536.
  @Test(arguments: [0, 65_537, 1 << 20, .max])
  func accountsThatCannotBe(_ number: UInt32) throws {
    let fixture = try Fixture()
    let good = Binding(key: Self.key(1), tunnel: fixture.tunnels[0], holding: HoldingID(65_536))
    var bad = good
    bad.key = Self.key(2)
    bad.holding = HoldingID(number)
    #expect(throws: FlowTableError.unknownAccount(HoldingID(number))) {
      try fixture.writer.apply([.set(good), .set(bad)])
    }
    #expect(fixture.writer.binding(Self.key(1)) == nil)
    try fixture.writer.apply([.set(good)])
    #expect(fixture.table.view.snapshot().find([good.key.prefix.address]) == [Found(good)])
  }

  /// Next hop 0 is the answer without a route: no route may have it.
  @Test func routeToNoNextHop() throws {
    let fixture = try Fixture()
    for prefix in ["2001:db8::/48", "2001::/16", "::/0", "198.51.100.0/24"] {
      #expect(throws: FlowTableError.unknownNextHop(NextHopID(0))) {
        try fixture.writer.setRoute(prefix.asPrefix, NextHopID(0))
      }
    }
    #expect(fixture.writer.statistics.routes == 0)
  }

  @Test(arguments: [0, -1, 1 << 28])
  func limitsOutOfRange(_ value: Int) {
    #expect(throws: FlowTableError.limitOutOfRange(name: "workers", value: value, allowed: 1...((1 << 28) - 1))) {
      try FlowTable(limits: FlowTableLimits(workers: value))
    }
    let routes = value < 1 ? value : (1 << 27) + 1
    #expect(throws: FlowTableError.limitOutOfRange(name: "routes", value: routes, allowed: 1...(1 << 27))) {
      try FlowTable(limits: FlowTableLimits(routes: routes, workers: 1))
    }
  }

  /// More route changes than one batch may have are refused before the first.
  @Test func routeChangesInOneBatch() throws {
    let fixture = try Fixture()
    let change = RouteChange.set(try "2001:db8::/48".asPrefix, fixture.nextHop)
    let count = (1 << 18) + 1
    #expect(throws: FlowTableError.tooManyRouteChanges(count: count, limit: 1 << 18)) {
      try fixture.writer.apply(routes: [RouteChange](repeating: change, count: count))
    }
    #expect(fixture.writer.statistics.routes == 0)
  }
}
