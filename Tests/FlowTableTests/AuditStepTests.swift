import FlowTable
import Testing

/// An audit in steps: beside a table that goes on changing, and what it reports.
@Suite struct AuditStepTests {
  /// Any change, between any two steps: a sound table never gives a finding, and the audit ends.
  @Test func changesBetweenSteps() throws {
    let seed = testSeed("changesBetweenSteps")
    var universe = ReferenceComparisonTests.Universe(seed: seed)
    let fixture = try Fixture(tunnels: 8, retired: 1 << 14, workers: 2, seed: seed)
    let writer = fixture.writer
    let quiescence = fixture.table.quiescence
    var hops = try (0..<8).map { _ in try writer.addNextHop(.kernel) }
    var (audits, steps, grown) = (0, 0, 0)
    fixture.table.handoverLedger.openAll()
    quiescence.online(0)
    while audits < testShare {
      let audit = try TableAudit(writer)
      // At least a fiftieth of the table.
      let budget = 200 + writer.statistics.proxyTable.slots / 25
      while !audit.step(1 + universe.generator.below(budget)) {
        steps += 1
        grown += writer.statistics.proxyTable.isGrowing ? 1 : 0
        try change(writer, &universe, fixture.tunnels, &hops, audits)
        if universe.generator.oneIn(3) { quiescence.report(0) }
        if universe.generator.oneIn(3) { writer.reclaim() }
      }
      let report = audit.report
      try #require(report.findings == [], "seed \(seed), audit \(audits)")
      #expect(!report.isWhole || steps == 0, "the table changed")
      audits += 1
      if audits % 10 == 0 { try writer.expectSound("seed \(seed), audit \(audits)") }
    }
    #expect(steps > 10 * testShare && (grown > 0 || testShare < 100))
  }

  /// What changes the table and publishes no generation, nor takes anything out of the retire queue.
  enum SilentChange: CaseIterable {
    case trieBlocksFreed
    case localizedRoutesFreed
    case localizedRoutesAdded
    case localizedRoutesGivenUp
    case localizedRoutesAddedAndGivenUp
  }

  /// Such a change alone, at every moment of an audit by single entries: no finding.
  @Test(arguments: SilentChange.allCases)
  func changeWithoutAGeneration(_ change: SilentChange) throws {
    var (moment, isOver) = (0, false)
    while !isOver {
      let fixture = try Fixture()
      let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
      let routes = [LocalizedRoute(to: try "2001:db8:1::/64".asPrefix, tunnel: fixture.tunnels[0])]
      _ = try writer.addLocalizedRoutes(routes)
      try writer.setRoute("2001:db8:2::/48".asPrefix, fixture.nextHop)
      quiescence.online(0)
      // A second child of one node: the block of the first waits for the reader, and nothing else does.
      if change == .trieBlocksFreed { try writer.setRoute("2001:db8:3::/48".asPrefix, fixture.nextHop) }
      let block = try writer.addLocalizedRoutes(routes)
      if change == .localizedRoutesFreed {
        try writer.apply([])
        writer.retireLocalizedRoutes(block)
      }
      #expect(writer.statistics.retired == 0)
      let audit = try TableAudit(writer)
      for _ in 0..<moment { isOver = audit.step(1) }
      switch change {
      case .trieBlocksFreed, .localizedRoutesFreed:
        quiescence.report(0)
        writer.reclaim()
      case .localizedRoutesAdded: _ = try writer.addLocalizedRoutes(routes)
      case .localizedRoutesGivenUp: writer.retireLocalizedRoutes(block)
      case .localizedRoutesAddedAndGivenUp: writer.retireLocalizedRoutes(try writer.addLocalizedRoutes(routes))
      }
      while !audit.step(1) {}
      try #require(audit.report.findings == [], "after \(moment) entries")
      try writer.expectSound()
      moment += 7
    }
  }

  private func change(
    _ writer: TableWriter, _ universe: inout ReferenceComparisonTests.Universe, _ tunnels: [TunnelID],
    _ hops: inout [NextHopID], _ number: Int
  ) throws {
    switch universe.generator.below(6) {
    case 0: try writer.apply(routes: [.set(universe.prefix(), hops[0]), .remove(universe.prefix())])
    case 1:
      let spare = try writer.addTunnel(
        TunnelSettings(endpoints: Fixture.endpoints(100 + universe.generator.below(1 << 20))), nextHop: hops[1])
      if universe.generator.oneIn(2) { writer.reclaim() }
      try writer.removeTunnel(spare)
    case 2:
      try writer.updateNextHop(hops[2], .unreachable)
      try writer.removeNextHop(hops[7])
      writer.reclaim()
      hops[7] = try writer.addNextHop(.unresolved)
    case 3:
      // Many new keys, so that storages grow.
      let base = universe.generator.next()
      let keys = (0..<200).map { LimitTests.key(Int(truncatingIfNeeded: base >> 47) + $0) }
      try writer.apply(keys.map { .set(Binding(key: $0, tunnel: tunnels[number % 8])) })
    default: try writer.apply((0..<universe.generator.below(40)).map { _ in universe.change(tunnels) })
    }
  }

  /// A step does as much as it was asked to, give or take a chunk of the memory of blocks.
  @Test(arguments: [1, 10, 100, 1000, 20_000])
  func stepsAreBounded(_ budget: Int) throws {
    let fixture = try AuditFixture()
    let audit = try TableAudit(fixture.writer)
    var (checked, steps) = (0, 0)
    while !audit.step(budget) {
      steps += 1
      let now = audit.report.entriesChecked
      #expect(now - checked <= budget + 192)
      checked = now
    }
    let report = audit.report
    #expect(report.findings == [])
    #expect(report.isWhole && report.entriesChecked > 3000 && steps >= report.entriesChecked / (budget + 192))
  }

  /// What is wrong in an entry itself is found although the table goes on changing.
  @Test(arguments: bucketDamages.filter { [.tag, .reachable, .passedCount, .uniqueKey, .growth].contains($0.breaks) })
  func damageIsFoundMeanwhile(_ damage: Damage) throws {
    let fixture = try AuditFixture()
    let octets = fixture.octets
    try damage.inflict(fixture)
    let audit = try TableAudit(fixture.writer)
    while !audit.step(100) { try fixture.writer.updateNextHop(fixture.fixture.nextHop, .kernel) }
    #expect(audit.report.findings.contains { $0.invariant == damage.breaks })
    #expect(!audit.report.isWhole)
    fixture.restore(octets)
  }

  /// Load, probes and memory, beside what the buckets' own octets say.
  @Test func reportMatchesTheOctets() throws {
    let fixture = try AuditFixture()
    let writer = fixture.writer
    let report = try fixture.audit()
    let buckets = writer.byteCount(.proxyBuckets) / 64
    let used = (0..<buckets).reduce(0) { sum, bucket in
      sum + (0..<10).count { writer.tag(.proxyBuckets, bucket, $0) != 0 }
    }
    // Every bucket that a key passes counts it once, and is one more read by the search for it.
    let seconds = (0..<buckets).reduce(0) { $0 + Int(writer.passedToSecond(.proxyBuckets, $1)) }
    let passed = (0..<buckets).reduce(seconds) { $0 + Int(writer.passed(.proxyBuckets, $1)) }
    #expect(used > 300 && seconds > 0 && passed > seconds)
    #expect(report.proxyTable.entries == used && report.proxyTable.probes.keys == used)
    #expect(report.proxyTable.loadFactor == Double(used) / Double(buckets * 10) && report.proxyTable.isGrowing)
    #expect(abs(report.proxyTable.probes.mean - (1 + Double(passed) / Double(used))) < 1e-9)
    #expect(report.proxyTable.probes.longest == writer.statistics.proxyTable.longestProbe)
    #expect(report.mobileTable.entries == 100 && report.routeTable.entries == 100)
    #expect(report.tunnelTable.entries == 6)
    let memory = report.memory
    #expect(memory == writer.memory && memory.retireQueue >= writer.byteCount(.retireQueue))
    #expect(memory.buckets > writer.byteCount(.proxyBuckets) + writer.byteCount(.growingBuckets))
    #expect(memory.records >= writer.byteCount(.bindingRecords) + 100 * 64 && memory.total > memory.records)
  }

  /// Quantiles by counting on fingers: of ten lengths 1…10 the median is 5, and nine tenths are at most 9.
  @Test func probeLengths() throws {
    // Every key of this table has one home, so the n-th lies in bucket (n - 1) / 10 of its probe.
    let table = try FlowTable(limits: FlowTableLimits(workers: 1), seed: (1, ~1))
    let writer = try table.makeWriter()
    let tunnel = try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(0)), nextHop: NextHopID(0))
    try writer.apply((0..<100).map { .set(Binding(key: LimitTests.key($0), tunnel: tunnel)) })
    let probes = try TableAudit.run(writer).proxyTable.probes
    #expect(probes.keys == 100 && probes.longest == 10 && probes.mean == 5.5)
    #expect(probes.quantile(0.5) == 5 && probes.quantile(0.9) == 9 && probes.quantile(0.91) == 10)
    #expect(probes.quantile(0.01) == 1 && probes.quantile(1) == 10)
    try writer.apply((0..<100).map { .remove(LimitTests.key($0)) })
    writer.reclaim()
    let empty = try TableAudit.run(writer)
    #expect(empty.proxyTable.probes.longest == 0 && empty.proxyTable.probes.mean == 0 && empty.isSound)
  }
}
