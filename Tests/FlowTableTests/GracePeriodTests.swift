import FlowTable
import Testing

/// What a worker that has not reported may still see stays as it is; what all have passed is freed.
@Suite struct GracePeriodTests {
  @Test func heldSnapshotKeepsItsAnswers() throws {
    let fixture = try Fixture(workers: 2)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let binding = try fixture.binding("2001:db8::/64", 0)
    let target = [try "2001:db8::1".asAddress]
    quiescence.online(0)
    quiescence.online(1)
    let empty = fixture.table.view.snapshot()
    try writer.apply([.set(binding)])
    let first = fixture.table.view.snapshot()
    for number in 0..<200 {
      try writer.apply([.set(try fixture.binding("2001:db8::/64", number % 4))])
      if number % 3 == 0 { try writer.apply([.remove(binding.key)]) }
      writer.reclaim()
    }
    try writer.apply([.remove(binding.key)])
    // Worker 1 moves on, worker 0 does not: it holds everything up.
    quiescence.report(1)
    for _ in 0..<5 { writer.reclaim() }
    try writer.expectSound()
    #expect(empty.find(target) == [nil])
    #expect(first.find(target) == [Found(binding)])
    #expect(fixture.table.view.snapshot().find(target) == [nil])
    #expect(writer.statistics.retired > 200 && writer.statistics.laggingWorkers == [0])
    #expect(!writer.isQuiesced(writer.generation))
    quiescence.report(0)
    quiescence.report(1)
    #expect(writer.isQuiesced(writer.generation))
    writer.reclaim()
    // The tombstones are unlinked now, and wait for one more report of both.
    #expect(writer.statistics.retired > 0 && writer.statistics.proxyTable.entries == 0)
    quiescence.report(0)
    writer.reclaim()
    #expect(writer.statistics.retired > 0 && writer.statistics.laggingWorkers == [1])
    quiescence.report(1)
    writer.reclaim()
    #expect(writer.statistics.retired == 0 && writer.statistics.laggingWorkers == [])
  }

  @Test func offlineWorkersHoldNothingUp() throws {
    let fixture = try Fixture(workers: 3)
    let binding = try fixture.binding("2001:db8::/64")
    fixture.table.quiescence.online(1)
    fixture.table.quiescence.offline(1)
    let generation = try fixture.writer.apply([.set(binding)])
    try fixture.writer.apply([.remove(binding.key)])
    #expect(fixture.writer.isQuiesced(generation))
    fixture.writer.reclaim()
    #expect(fixture.writer.statistics.retired == 0 && fixture.writer.statistics.proxyTable.entries == 0)
  }

  @Test func comingBackOnlineHoldsFromThenOn() throws {
    let fixture = try Fixture()
    let quiescence = fixture.table.quiescence
    let binding = try fixture.binding("2001:db8::/64")
    quiescence.online(0)
    quiescence.offline(0)
    try fixture.writer.apply([.set(binding)])
    quiescence.online(0)
    let snapshot = fixture.table.view.snapshot()
    #expect(quiescence.reported(by: 0) == fixture.writer.generation)
    let generation = try fixture.writer.apply([.remove(binding.key)])
    fixture.writer.reclaim()
    #expect(!fixture.writer.isQuiesced(generation) && fixture.writer.statistics.retired == 2)
    #expect(snapshot.find([binding.key.prefix.address]) == [Found(binding)])
    quiescence.report(0)
    #expect(fixture.writer.isQuiesced(generation))
  }

  /// Before there is a writer nothing is found, by any look-up.
  @Test func viewWithoutAWriter() throws {
    let table = try FlowTable(limits: FlowTableLimits(workers: 1))
    let snapshot = table.view.snapshot()
    let address = try "2001:db8::1".asAddress
    #expect(snapshot.find([address]) == [nil] && snapshot.findProxy(address) == nil)
    #expect(snapshot.findRoutes([address]) == [nil] && snapshot.lookupBinding(LookupKey(address)) == 0)
    #expect(snapshot.lookupBinding(network: address, length: 64, counter: 0) == 0)
  }

  /// A view outlives the writer: stopping the control side must not pull memory from under a worker.
  @Test func viewOutlivesTheWriter() throws {
    let limits = FlowTableLimits(workers: 1)
    let table = try FlowTable(limits: limits)
    table.quiescence.online(0)
    let empty = table.view.snapshot()
    let keys = (0..<5000).map { LimitTests.key($0) }
    func fill() throws {
      let writer = try table.makeWriter()
      let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
      for key in keys { try writer.apply([.set(Binding(key: key, tunnel: tunnel))]) }
    }
    try fill()
    let addresses = keys.map(\.prefix.address)
    #expect(table.view.snapshot().find(addresses).map { $0?.prefix } == keys.map(\.prefix))
    #expect(empty.find(addresses).allSatisfy { $0 == nil })
  }

  /// A removed key set again before its tombstone is gone, over and over: the tombstone must not take the new one along.
  @Test func setAgainOverATombstone() throws {
    let fixture = try Fixture()
    let quiescence = fixture.table.quiescence
    let binding = try fixture.binding("2001:db8::/64", 1)
    let target = [try "2001:db8::1".asAddress]
    quiescence.online(0)
    for round in 0..<300 {
      try fixture.writer.apply([.set(binding)])
      try fixture.writer.apply([.remove(binding.key)])
      if round % 2 == 0 { try fixture.writer.apply([.set(binding)]) }
      let expected = round % 2 == 0 ? [Found(binding)] : [nil]
      let snapshot = fixture.table.view.snapshot()
      for step in 0..<4 {
        #expect(snapshot.find(target) == expected)
        #expect(fixture.table.view.snapshot().find(target) == expected)
        if step < round % 4 { quiescence.report(0) }
        fixture.writer.reclaim()
        try fixture.writer.expectSound("round \(round), step \(step)")
      }
      #expect(fixture.writer.statistics.bindings == (round % 2 == 0 ? 1 : 0))
    }
  }

  /// Set, removed and set within one batch: only the end is ever visible.
  @Test func repeatedKeysInOneBatch() throws {
    let fixture = try Fixture()
    let target = [try "2001:db8::1".asAddress]
    let (first, second) = (try fixture.binding("2001:db8::/64", 1), try fixture.binding("2001:db8::/64", 2))
    fixture.table.quiescence.online(0)
    let empty = fixture.table.view.snapshot()
    try fixture.writer.apply([.set(first), .remove(first.key), .set(second)])
    #expect(empty.find(target) == [nil] && fixture.table.view.snapshot().find(target) == [Found(second)])
    let present = fixture.table.view.snapshot()
    try fixture.writer.apply([.remove(first.key), .set(first), .remove(first.key), .remove(first.key)])
    #expect(present.find(target) == [Found(second)] && fixture.table.view.snapshot().find(target) == [nil])
    #expect(empty.find(target) == [nil] && fixture.writer.statistics.bindings == 0)
    try fixture.writer.expectSound()
    try fixture.writer.removeTunnel(fixture.tunnels[1])  // no use was counted twice
    fixture.table.quiescence.offline(0)
    fixture.writer.reclaim()
    #expect(fixture.writer.statistics.retired == 0)
  }

  @Test func fullRetireQueueIsBackPressure() throws {
    let fixture = try Fixture(retired: 8)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let bindings = try (0..<20).map { try fixture.binding("2001:db8:0:\($0)::/64", 0) }
    try writer.apply(bindings.map { .set($0) })  // new keys retire nothing
    quiescence.online(0)
    for number in 0..<8 { try writer.apply([.set(try fixture.binding("2001:db8:0:\(number)::/64", 1))]) }
    let generation = writer.generation
    let full = FlowTableError.retireQueueFull(capacity: 8)
    #expect(throws: full) { try writer.apply([.set(try fixture.binding("2001:db8:0:9::/64", 1))]) }
    #expect(throws: full) { try writer.apply([.remove(bindings[10].key)]) }
    #expect(throws: full) { try writer.updateNextHop(fixture.nextHop, .kernel) }
    #expect(throws: full) { try writer.removeTunnel(fixture.tunnels[2]) }
    #expect(throws: full) {
      try writer.updateTunnel(
        fixture.tunnels[2], settings: TunnelSettings(endpoints: Fixture.endpoints(2), mtu: 1280),
        nextHop: fixture.nextHop)
    }
    #expect(writer.generation == generation && writer.binding(bindings[9].key) == bindings[9])
    #expect(writer.binding(bindings[10].key) == bindings[10] && writer.nextHop(fixture.nextHop) == .unresolved)
    #expect(writer.tunnelSettings(fixture.tunnels[2])?.mtu == 1460)
    try writer.expectSound()
    // New keys still find room, since they retire nothing; removing what is absent as well.
    try writer.apply([.set(try fixture.binding("2001:db8:1::/64")), .remove(try fixture.binding("1::/64").key)])
    quiescence.report(0)
    try writer.apply([.set(try fixture.binding("2001:db8:0:9::/64", 1)), .remove(bindings[10].key)])
    #expect(writer.binding(bindings[10].key) == nil && writer.binding(bindings[9].key)?.tunnel == fixture.tunnels[1])
  }

  /// What holds a reader up is named, whatever waits for it: also blocks and storages, which are in no queue.
  @Test func stuckReaderIsNamedWhateverWaits() throws {
    let fixture = try Fixture()
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let routes = [LocalizedRoute(to: try "2001:db8:1::/64".asPrefix, tunnel: fixture.tunnels[0])]
    let block = try writer.addLocalizedRoutes(routes)
    try writer.setRoute("2001:db8:2::/48".asPrefix, fixture.nextHop)
    let changes: [(String, () throws -> Void)] = [
      ("a new route", { try writer.setRoute("2001:db8:3::/48".asPrefix, fixture.nextHop) }),
      (
        "a block of localized routes",
        {
          try writer.apply([])
          writer.retireLocalizedRoutes(block)
        }
      ),
      (
        "a storage that has grown",
        { try writer.apply((0..<600).map { .set(try fixture.binding("2001:db8:0:\($0)::/64")) }) }
      ),
    ]
    for (words, change) in changes {
      quiescence.online(0)
      #expect(writer.statistics.laggingWorkers == [])
      try change()
      #expect(writer.statistics.retired == 0 && writer.statistics.laggingWorkers == [0], "\(words)")
      writer.reclaim()
      #expect(writer.statistics.laggingWorkers == [0], "\(words)")
      quiescence.report(0)
      writer.reclaim()
      #expect(writer.statistics.laggingWorkers == [], "\(words)")
    }
  }
}
