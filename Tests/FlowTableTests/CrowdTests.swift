import FlowTable
import Testing

/// Many prefixes longer than 64 bits within few /64s: the mobile nodes of one home link, say. They begin in the bucket of
/// the /64 and go on elsewhere when it is full.
@Suite(.serialized) struct CrowdTests {
  /// Some /64s with hosts in each, and what lies over and within them.
  private struct Crowds {
    var generator: SeededGenerator
    let networks: [UInt64]
    let hosts: Int

    init(seed: UInt64, hosts: Int) {
      generator = SeededGenerator(seed: seed)
      var source = generator
      networks = (0..<max(2, 4000 / hosts)).map { _ in source.next() >> 3 | 1 << 61 }
      generator = source
      self.hosts = hosts
    }

    /// Hosts have no order that a hash could profit from; number 0 is the network's own address.
    mutating func address() -> IPAddress {
      let host = UInt64(generator.below(hosts))
      return IPAddress(ipv6High: networks[generator.below(networks.count)], low: host &* 0x9e37_79b9_7f4a_7c15)
    }

    mutating func key(_ lengths: [Int]) -> BindingKey {
      let table: BindingTable = generator.oneIn(8) ? .mobile : .proxy
      let length = lengths[generator.below(lengths.count)]
      return BindingKey(table: table, prefix: Prefix(covering: address(), length: length))
    }

    /// A host, one that is not there, or an address next to a network.
    mutating func target() -> IPAddress {
      let address = address()
      switch generator.below(8) {
      case 0: return IPAddress(ipv6High: address.high, low: generator.next())
      case 1: return IPAddress(ipv6High: address.high ^ 1 << UInt64(generator.below(24)), low: address.low)
      default: return address
      }
    }
  }

  struct Shape: CustomTestStringConvertible {
    let hosts: Int
    /// Drawn from evenly.
    let lengths: [Int]
    var testDescription: String { "\(hosts) hosts, lengths \(lengths)" }
  }

  static let shapes: [Shape] =
    [1, 5, 10, 1000].map { Shape(hosts: $0, lengths: [128, 128, 128, 128, 64]) } + [
      Shape(hosts: 10, lengths: [128]), Shape(hosts: 40, lengths: [128, 128, 128, 48, 56, 60]),
      Shape(hosts: 20, lengths: [128, 128, 64, 64, 96, 65, 127, 40, 48, 62]),
    ]

  /// Setting, removing, setting again, growing from the smallest storage, and all of it in both tables: every look-up has
  /// the answer of the reference table.
  @Test(arguments: shapes)
  func matchesTheReference(_ shape: Shape) throws {
    let seed = testSeed("matchesTheReference")
    var crowds = Crowds(seed: seed, hosts: shape.hosts)
    let fixture = try Fixture(seed: seed)
    var reference = ReferenceTable()
    for round in 0..<5 + testShare {
      // Mostly removals in every third round.
      let removes = round % 3 == 2
      let batch: [TableWriter.BindingChange] = (0..<crowds.generator.below(300)).map { _ in
        let key = crowds.key(shape.lengths)
        if crowds.generator.below(4) < (removes ? 3 : 1) { return .remove(key) }
        return .set(Binding(key: key, tunnel: fixture.tunnels[crowds.generator.below(4)]))
      }
      try fixture.writer.apply(batch)
      reference.apply(batch)
      if crowds.generator.oneIn(2) { fixture.writer.reclaim() }
      let targets = (0..<130).map { _ in crowds.target() }
      let found = fixture.table.view.snapshot().find(targets)
      try #require(found == targets.map { reference.lookup($0).map(Found.init) }, "seed \(seed), round \(round)")
      if round % 20 == 0 { try fixture.writer.expectSound("seed \(seed), round \(round)") }
    }
    for key in reference.bindings.keys { try fixture.writer.apply([.remove(key)]) }
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
    #expect(fixture.writer.statistics.proxyTable.entries == 0, "seed \(seed)")
  }

  private static func hosts(_ network: UInt64, _ count: Int) -> [BindingKey] {
    (0..<count).map {
      let address = IPAddress(ipv6High: 0x2001_0db8_0000_0000 | network, low: UInt64($0) &* 0x9e37_79b9_7f4a_7c15)
      return BindingKey(table: .proxy, prefix: Prefix(covering: address, length: 128))
    }
  }

  private static func set(_ keys: [BindingKey], _ fixture: Fixture) -> [TableWriter.BindingChange] {
    keys.map { .set(Binding(key: $0, tunnel: fixture.tunnels[1])) }
  }

  /// No bucket remembers keys that have gone, as long as its counts are not at their end: of 200 in one /64 they are not.
  @Test func leavesNothingBehind() throws {
    let fixture = try Fixture()
    let writer = fixture.writer
    let keys = (0..<20).flatMap { Self.hosts(UInt64($0), 200) }
    try writer.apply(Self.set(keys, fixture))
    let buckets = writer.byteCount(.proxyBuckets) / 64
    let seconds = (0..<buckets).filter { writer.passedToSecond(.proxyBuckets, $0) > 100 }
    // A /64 has nine places at most; two may share a bucket, in which a count may be at its end.
    try #require(seconds.count >= 18 && seconds.allSatisfy { writer.passedToSecond(.proxyBuckets, $0) < 255 })
    try writer.expectSound()
    try writer.apply(keys.map { .remove($0) })
    writer.reclaim()
    #expect((0..<buckets).allSatisfy { writer.word32(.proxyBuckets, $0 * 64 + 20) == 0 })
  }

  /// With ten thousand hosts in one /64 a count stays at its end; that is no finding, nor are searches longer for it.
  @Test func countsEnd() throws {
    let fixture = try Fixture()
    let writer = fixture.writer
    let keys = Self.hosts(7, 10_000)
    try writer.apply(Self.set(keys, fixture))
    func ended() -> Int {
      (0..<writer.byteCount(.proxyBuckets) / 64).count { writer.passedToSecond(.proxyBuckets, $0) == 255 }
    }
    #expect(ended() == 1)
    try writer.expectSound()
    try writer.apply(keys.dropFirst(100).map { .remove($0) })
    writer.reclaim()
    #expect(ended() == 1)
    try writer.expectSound()
    let found = fixture.table.view.snapshot().find(keys.prefix(200).map(\.prefix.address))
    #expect(found.map { $0?.prefix } == keys.prefix(100).map(\.prefix) + [Prefix?](repeating: nil, count: 100))
  }

  /// A crowd costs its own hosts one bucket each, and others nothing: neither the /64s that have none, nor the /64 of the
  /// crowd itself, for which each bucket keeps a slot.
  @Test(arguments: [20, 1000, 20_000])
  func crowdsCostTheirOwn(_ hosts: Int) throws {
    let seed = testSeed("crowdsCostTheirOwn")
    var generator = SeededGenerator(seed: seed)
    // A small number and its complement, as the fixture makes them of its seed, are a weak key of the hash.
    let fixture = try Fixture(seed: generator.next())
    let writer = fixture.writer
    let networks: [BindingKey] = (0..<20_000).map { _ in
      let address = IPAddress(ipv6High: generator.next() >> 3 | 1 << 61, low: 0)
      return BindingKey(table: .proxy, prefix: Prefix(covering: address, length: 64))
    }
    let crowds = (0..<20_000 / hosts).flatMap { Self.hosts(UInt64($0), hosts) }
    var keys = networks + crowds
    keys.shuffle(using: &generator)
    for start in stride(from: 0, to: keys.count, by: 500) {
      try writer.apply(Self.set(Array(keys[start..<start + 500]), fixture))
    }
    let probes = try TableAudit.run(writer).proxyTable.probes
    #expect(probes.keys == 40_000 && probes.mean < 1.7 && probes.longest < 64, "seed \(seed): \(probes.mean)")
    // Half of the keys read one bucket, or next to that.
    #expect(probes.quantile(0.45) == 1 && probes.quantile(0.9) == 2, "seed \(seed)")
    // It is as it must be: no renewal follows, whatever is set again.
    while writer.statistics.proxyTable.isGrowing { try writer.apply(Self.set(Array(keys.prefix(500)), fixture)) }
    for start in stride(from: 0, to: keys.count, by: 1000) {
      try writer.apply(Self.set(Array(keys[start..<start + 1000]), fixture))
      writer.reclaim()
      #expect(!writer.statistics.proxyTable.isGrowing, "seed \(seed)")
    }
  }

  /// Beside a writer that fills a /64 with hosts and empties it again, over and over and with growth in between, a reader
  /// never misses the hosts that stay, nor the /64, nor takes the one for the other.
  @Test func readersBesideCrowds() throws {
    let seed = testSeed("readersBesideCrowds")
    let fixture = try Fixture(retired: 1 << 14, seed: seed)
    var generator = SeededGenerator(seed: seed)
    let hosts = (0..<8).flatMap { Self.hosts($0, 40) }
    let networks = hosts.map { Prefix(covering: $0.prefix.address, length: 64) }
    // Of each crowd the first ten hosts stay, from before the others came, and ten that came when it was full.
    let stays = hosts.indices.filter { $0 % 40 < 20 }
    try fixture.writer.apply(Self.set(networks.map { BindingKey(table: .proxy, prefix: $0) }, fixture))
    for range in [0..<10, 20..<40, 10..<20] {
      try fixture.writer.apply(Self.set(hosts.indices.filter { range.contains($0 % 40) }.map { hosts[$0] }, fixture))
    }
    let goes = hosts.indices.filter { $0 % 40 >= 20 }
    let keys = (stays + goes).map { LookupKey(hosts[$0].prefix.address) }
    let reader = ReaderThread(fixture, worker: 0, pauses: seed) { snapshot in
      var results = [UInt32](repeating: 0, count: keys.count)
      var span = results.mutableSpan
      snapshot.lookupBindings(keys.span, into: &span)
      return results.indices.count { place in
        let number = place < stays.count ? stays[place] : goes[place - stays.count]
        guard results[place] != 0 else { return true }
        let entry = snapshot.binding(results[place])
        if entry.prefixLength == 128 { return entry.network != hosts[number].prefix.address }
        return place < stays.count || entry.prefixLength != 64 || entry.network != networks[number].address
      }
    }
    var rounds = 0
    while rounds < 20 * testShare || reader.turns < 2 * testShare {
      rounds += 1
      let some = goes.filter { _ in generator.oneIn(2) }.map { hosts[$0] }
      try fixture.applyWithPatience(rounds % 2 == 0 ? Self.set(some, fixture) : some.map { .remove($0) })
      fixture.writer.reclaim()
      if rounds % (2 * testShare) == 0 {
        // Others come, so that the storage grows.
        try fixture.applyWithPatience(Self.set(Self.hosts(UInt64(1000 + rounds), 400), fixture))
        try fixture.writer.expectSound("seed \(seed), round \(rounds)")
      }
    }
    #expect(reader.finish() == 0, "seed \(seed)")
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
  }

  /// A storage that was once full of others is not renewed for the hosts of one network.
  @Test func crowdInAnEmptiedTableIsNoWear() throws {
    let fixture = try Fixture(bindings: 40_000, retired: 1 << 17)
    let (writer, keys) = (fixture.writer, (0..<30_000).map { LimitTests.key($0) })
    try writer.apply(keys.map { .set(Binding(key: $0, tunnel: fixture.tunnels[0])) })
    try writer.apply(keys.map { .remove($0) })
    for _ in 0..<2 { writer.reclaim() }
    for host in UInt64(0)..<30 {
      let prefix = Prefix(covering: IPAddress(ipv6High: 0x2001_0db8_00aa_0000, low: host), length: 128)
      try writer.apply([.set(Binding(key: BindingKey(table: .proxy, prefix: prefix), tunnel: fixture.tunnels[1]))])
      #expect(!writer.statistics.proxyTable.isGrowing, "with \(host + 1) hosts")
    }
    #expect(writer.statistics.proxyTable.entries == 30)
    try writer.expectSound()
  }
}
