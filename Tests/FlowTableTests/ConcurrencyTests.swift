import FlowTable
import Synchronization
import Testing

/// Readers spinning beside the writer, on threads of their own.
@Suite(.serialized) struct ConcurrencyTests {
  /// A handover is atomic: the three prefixes of a mobile node name one tunnel in every snapshot.
  @Test func handoverOfThreePrefixes() throws {
    let seed = testSeed("handoverOfThreePrefixes")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(retired: 4096, seed: seed)
    let node = ["2001:db8:100:1::/64", "2001:db8:100:2::1/128", "203.0.113.7/32"]
    func handover(_ tunnel: Int) throws -> [TableWriter.BindingChange] {
      try node.map { .set(try fixture.binding($0, tunnel)) }
    }
    try fixture.writer.apply(handover(0))
    // In three different chunks of the batch, filled up with addresses that have no binding.
    var addresses = [IPAddress](repeating: try "2001:db8:dead::1".asAddress, count: 140)
    for (place, prefix) in zip([0, 70, 139], node) { addresses[place] = try prefix.asPrefix.address }
    let keys = addresses.map { LookupKey($0) }
    let (first, second) = (fixture.tunnels[0], fixture.tunnels[1])
    let counts = SeenTunnels()
    let reader = ReaderThread(fixture, worker: 0) { snapshot in
      var results = [UInt32](repeating: 0, count: keys.count)
      var span = results.mutableSpan
      snapshot.lookupBindings(keys.span, into: &span)
      let tunnels = [0, 70, 139].map { snapshot.binding(results[$0]).tunnel }
      counts.count(tunnels[0] == first, tunnels[0] == second)
      let isWhole =
        tunnels[0] == tunnels[1] && tunnels[1] == tunnels[2] && (tunnels[0] == first || tunnels[0] == second)
      return isWhole && results[1] == 0 ? 0 : 1
    }
    var changes = 0
    while changes < 200 * testShare || reader.turns < 200 * testShare || !counts.sawBoth {
      changes += 1
      // Other keys come and go, so that storages grow and records are used again.
      let other = IPAddress(ipv6High: 0x2001_0db8_0200_0000 | UInt64(generator.below(30_000)), low: 0)
      let key = BindingKey(table: .proxy, prefix: Prefix(covering: other, length: 64))
      let churn: TableWriter.BindingChange =
        generator.oneIn(3) ? .remove(key) : .set(Binding(key: key, tunnel: fixture.tunnels[2]))
      try fixture.applyWithPatience(handover(changes % 2) + [churn])
      if changes % 8 == 0 { fixture.writer.reclaim() }
    }
    #expect(reader.finish() == 0, "seed \(seed)")
    try fixture.writer.expectSound("seed \(seed)")
  }

  /// Keys that stay are found in every snapshot while others come, go and make the storage grow.
  @Test(arguments: [BindingTable.proxy, .mobile])
  func presentKeysAreNeverMissed(_ table: BindingTable) throws {
    let seed = testSeed("presentKeysAreNeverMissed")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(retired: 1 << 16, workers: 2, seed: seed)
    let lengths = [128, 64, 56]
    let stay = (0..<300).map { number in
      let address = IPAddress(ipv6High: 0x2001_0db8_0000_0000 | UInt64(number) << 8, low: UInt64(number))
      return Binding(
        key: BindingKey(table: table, prefix: Prefix(covering: address, length: lengths[number % 3])),
        tunnel: fixture.tunnels[number % 4])
    }
    let keys = stay.map { LookupKey($0.key.prefix.address) }
    try fixture.writer.apply(stay.map { .set($0) })
    let readers = (0..<2).map { worker in
      ReaderThread(fixture, worker: worker) { snapshot in
        var results = [UInt32](repeating: 0, count: keys.count)
        var span = results.mutableSpan
        snapshot.lookupBindings(keys.span, into: &span)
        return stay.indices.count { number in
          let entry = snapshot.binding(results[number])
          // The tunnel changes; prefix and length do not.
          return results[number] == 0 || entry.network != stay[number].key.prefix.address
            || entry.prefixLength != Int(stay[number].key.prefix.length)
        }
      }
    }
    var grown = 0
    for round in 0..<12 {
      var batch: [TableWriter.BindingChange] = []
      for number in 0..<200 * testShare {
        // Twelve storages' worth of keys, taken out again in the second half.
        let high = UInt64(round % 6) << 32 | UInt64(number)
        let key = BindingKey(table: table, prefix: Prefix(covering: IPAddress(ipv6High: high, low: 0), length: 64))
        batch.append(round < 6 ? .set(Binding(key: key, tunnel: fixture.tunnels[0])) : .remove(key))
        if generator.oneIn(8) {
          var moved = stay[generator.below(stay.count)]
          moved.tunnel = fixture.tunnels[generator.below(4)]
          batch.append(.set(moved))
        }
        if batch.count >= 64 {
          try fixture.applyWithPatience(batch)
          fixture.writer.reclaim()
          batch.removeAll(keepingCapacity: true)
        }
      }
      try fixture.applyWithPatience(batch)
      try fixture.writer.expectSound("seed \(seed), round \(round)")
      let statistics = table == .proxy ? fixture.writer.statistics.proxyTable : fixture.writer.statistics.mobileTable
      grown = max(grown, statistics.slots)
    }
    #expect(grown > 1000 * testShare)
    for reader in readers {
      #expect(reader.turns > 100)
      #expect(reader.finish() == 0, "seed \(seed)")
    }
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
    #expect(fixture.writer.statistics.bindings == stay.count && fixture.writer.statistics.retired == 0)
  }

  /// Tunnels and next hops are replaced whole: no reader sees fields of two versions together.
  @Test func recordsAreNeverMixed() throws {
    let fixture = try Fixture(retired: 4096)
    let (tunnel, hop) = (fixture.tunnels[0], fixture.nextHop)
    func state(_ number: Int) -> (TunnelSettings, NextHopState) {
      let value = UInt64(number & 0xff)
      return (
        TunnelSettings(endpoints: Fixture.endpoints(0), hopLimit: UInt8(value), mtu: UInt16(value) + 1280),
        .resolved(Adjacency(port: UInt8(value), destination: MACAddress(value), source: MACAddress(value)))
      )
    }
    try fixture.writer.updateTunnel(tunnel, settings: state(0).0, nextHop: hop)
    try fixture.writer.updateNextHop(hop, state(0).1)
    let reader = ReaderThread(fixture, worker: 0) { snapshot in
      let entry = snapshot.tunnel(tunnel)
      let isWhole = entry.id == tunnel && entry.mtu == UInt16(entry.hopLimit) + 1280
      let next = snapshot.nextHop(hop)
      let (port, header) = (UInt64(next.port), next.headerWords)
      let expected = Adjacency(port: next.port, destination: MACAddress(port), source: MACAddress(port))
      return isWhole && next.state == .resolved(expected) && header.2 == 0 ? 0 : 1
    }
    var changes = 0
    while changes < 500 * testShare || reader.turns < 500 * testShare {
      changes += 1
      let (settings, adjacency) = state(changes)
      do {
        try fixture.writer.updateTunnel(tunnel, settings: settings, nextHop: hop)
        try fixture.writer.updateNextHop(hop, adjacency)
      } catch {
        // The reader is slow; the next round reclaims.
        guard case .retireQueueFull = error else { throw error }
      }
    }
    #expect(reader.finish() == 0)
    try fixture.writer.expectSound()
  }
}

/// What a reader has come across, to show that the test saw both sides of a change.
final class SeenTunnels: Sendable {
  private let first = Atomic<Int>(0)
  private let second = Atomic<Int>(0)

  func count(_ isFirst: Bool, _ isSecond: Bool) {
    if isFirst { first.add(1, ordering: .relaxed) }
    if isSecond { second.add(1, ordering: .relaxed) }
  }

  var sawBoth: Bool { first.load(ordering: .relaxed) > 100 && second.load(ordering: .relaxed) > 100 }
}

extension Fixture {
  /// Applies a batch, waiting for readers when the retire queue is full.
  func applyWithPatience(_ changes: [TableWriter.BindingChange]) throws {
    while true {
      do {
        try writer.apply(changes)
        return
      } catch {
        guard case .retireQueueFull = error else { throw error }
        writer.reclaim()
      }
    }
  }
}
