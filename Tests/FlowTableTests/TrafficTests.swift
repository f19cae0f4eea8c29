import FlowTable
import Testing

@Suite(.serialized) struct TrafficTests {
  @Test func countersSurviveAHandover() throws {
    let fixture = try Fixture(workers: 2)
    let writer = fixture.writer
    let binding = try fixture.binding("2001:db8::/64", 0)
    let target = [LookupKey(try "2001:db8::1".asAddress)]
    let workers = (0..<2).map { fixture.table.traffic(worker: $0) }
    func counter() -> UInt32 {
      var index = [UInt32(0)]
      var span = index.mutableSpan
      let snapshot = fixture.table.view.snapshot()
      snapshot.lookupBindings(target.span, into: &span)
      return snapshot.binding(index[0]).counter
    }
    try writer.apply([.set(binding)])
    #expect(writer.bindingTraffic(binding.key) == Traffic())
    let cell = counter()
    workers[0].countUp(binding: cell, bytes: 100)
    workers[1].countUp(binding: cell, packets: 3, bytes: 50)
    workers[1].countDown(binding: cell, bytes: 7)
    let expected = Traffic(up: .init(packets: 4, bytes: 150), down: .init(packets: 1, bytes: 7))
    #expect(writer.bindingTraffic(binding.key) == expected)
    // To another tunnel, and once more as a removal and a new binding in one batch.
    try writer.apply([.set(try fixture.binding("2001:db8::/64", 1))])
    #expect(counter() == cell && writer.bindingTraffic(binding.key) == expected)
    try writer.apply([.remove(binding.key), .set(try fixture.binding("2001:db8::/64", 2))])
    writer.reclaim()
    #expect(counter() == cell && writer.bindingTraffic(binding.key) == expected)
    // Removed and set again: another binding, which begins at zero even in a cell that was used before.
    try writer.apply([.remove(binding.key)])
    #expect(writer.bindingTraffic(binding.key) == nil)
    writer.reclaim()
    try writer.apply([.set(binding)])
    #expect(counter() == cell && writer.bindingTraffic(binding.key) == Traffic())
  }

  @Test func cellsAreNotShared() throws {
    let fixture = try Fixture()
    let bindings = try (0..<500).map { try fixture.binding("2001:db8:0:\(String($0, radix: 16))::/64") }
    try fixture.writer.apply(bindings.map { .set($0) })
    let traffic = fixture.table.traffic(worker: 0)
    let snapshot = fixture.table.view.snapshot()
    let keys = bindings.map { LookupKey($0.key.prefix.address) }
    var indices = [UInt32](repeating: 0, count: keys.count)
    var span = indices.mutableSpan
    snapshot.lookupBindings(keys.span, into: &span)
    for (number, index) in indices.enumerated() {
      traffic.countUp(binding: snapshot.binding(index).counter, bytes: UInt64(number))
      traffic.countDown(tunnel: snapshot.binding(index).tunnel, bytes: 1)
    }
    for (number, binding) in bindings.enumerated() {
      #expect(fixture.writer.bindingTraffic(binding.key) == Traffic(up: .init(packets: 1, bytes: UInt64(number))))
    }
    #expect(fixture.writer.tunnelTraffic(fixture.tunnels[0]) == Traffic(down: .init(packets: 500, bytes: 500)))
    #expect(fixture.writer.tunnelTraffic(fixture.tunnels[1]) == Traffic())
  }

  @Test func reusedTunnelBeginsAtZero() throws {
    let limits = FlowTableLimits(bindings: 1, tunnels: 1, nextHops: 1, routes: 1, retired: 8, workers: 1)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let first = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
    table.traffic(worker: 0).countUp(tunnel: first, packets: 5, bytes: 500)
    #expect(writer.tunnelTraffic(first) == Traffic(up: .init(packets: 5, bytes: 500)))
    try writer.updateTunnel(
      first, settings: TunnelSettings(endpoints: Fixture.endpoints(0), mtu: 1280), nextHop: NextHopID(0))
    #expect(writer.tunnelTraffic(first).up.packets == 5)
    try writer.removeTunnel(first)
    #expect(writer.tunnelTraffic(first) == Traffic())
    let second = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(1)), nextHop: NextHopID(0))
    #expect(second == first && writer.tunnelTraffic(second) == Traffic())
  }

  /// A tunnel in a predecessor's cell, found by a worker at once: the worker's packets are all that it ever has.
  @Test func tunnelFoundAtOnceBeginsAtZero() throws {
    // Many workers' cells to be cleared, of which the last one is in use: a tunnel that is there too early is found.
    let limits = FlowTableLimits(bindings: 1, tunnels: 1, nextHops: 1, routes: 1, retired: 8, workers: 64)
    let table = try FlowTable(limits: limits)
    let writer = try table.makeWriter()
    let counting = CountingThread(table, worker: 63)
    var wrong = 0
    for round in 1...300 * testShare {
      let settings = TunnelSettings(endpoints: Fixture.endpoints(0), mtu: UInt16(1280 + round % 1000))
      counting.expect(mtu: settings.mtu)
      let tunnel = try writer.addTunnel(settings, nextHop: NextHopID(0))
      let counted = counting.finishRound()
      let traffic = writer.tunnelTraffic(tunnel)
      wrong += traffic == Traffic(up: .init(packets: counted, bytes: counted * UInt64(settings.mtu))) ? 0 : 1
      try writer.removeTunnel(tunnel)
      writer.reclaim()
    }
    counting.finish()
    #expect(wrong == 0)
  }
}
