import FlowTable
import Testing

/// Tables that begin far along in the count of generations.
@Suite struct GenerationTests {
  private static func table(from generation: UInt64) throws -> (FlowTable, TableWriter, [TunnelID]) {
    let limits = FlowTableLimits(
      bindings: 4096, tunnels: 8, nextHops: 8, routes: 4096, retired: 4096, workers: 1)
    let table = try FlowTable(limits: limits, seed: (17, 0x1234_5678_9abc_def0), generation: generation)
    let writer = try table.makeWriter()
    let tunnels = try (0..<4).map { number in
      try writer.addTunnel(TunnelSettings(endpoints: Fixture.endpoints(number)), nextHop: NextHopID(0))
    }
    return (table, writer, tunnels)
  }

  private static let starts: [UInt64] = [1, 1 << 62, (1 << 63) - 600, .max - 4000]

  /// Across 2^63, where the sign of a generation turns, and up to the last one there is.
  @Test(arguments: starts)
  func answersAcrossTheLimits(_ start: UInt64) throws {
    let seed = testSeed("answersAcrossTheLimits")
    var universe = ReferenceComparisonTests.Universe(seed: seed)
    let (table, writer, tunnels) = try Self.table(from: start)
    var reference = ReferenceTable()
    table.handoverLedger.openAll()
    table.quiescence.online(0)
    for round in 0..<700 {
      let (snapshot, before) = (table.view.snapshot(), reference)
      for _ in 0..<1 + universe.generator.below(3) {
        let batch = (0..<1 + universe.generator.below(20)).map { _ in universe.change(tunnels) }
        try writer.apply(batch)
        reference.apply(batch)
        if universe.generator.oneIn(2) { writer.reclaim() }
      }
      let targets = (0..<20).map { _ in universe.target() }
      try #require(snapshot.find(targets) == targets.map { before.lookup($0).map(Found.init) }, "seed \(seed)")
      let now = table.view.snapshot()
      try #require(now.find(targets) == targets.map { reference.lookup($0).map(Found.init) }, "seed \(seed)")
      if round % 50 == 0 { try writer.expectSound("seed \(seed), round \(round)") }
      table.quiescence.report(0)
    }
    #expect(writer.generation > start + 700)
    if start < 1 << 63 && start > 1 << 62 { #expect(writer.generation > 1 << 63) }
    table.quiescence.offline(0)
    writer.reclaim()
    #expect(writer.statistics.retired == 0)
    try writer.expectSound("seed \(seed)")
  }

  /// A binding of the first generation in a snapshot more than 2^63 later: the sign of the difference says that it is
  /// newer than the snapshot, and the exact comparison that follows that it is not.
  @Test func firstGenerationIsFoundForEver() throws {
    let (table, writer, tunnels) = try Self.table(from: UInt64.max - 1000)
    let binding = Binding(key: LimitTests.key(5), tunnel: tunnels[1])
    try writer.apply([.set(binding)])
    writer.set(.bindingRecords, 64 + 16, word64: 1)
    #expect(table.view.snapshot().find([binding.key.prefix.address]) == [Found(binding)])
    try writer.expectSound()
    // The same for a reader that holds on to it while it is replaced.
    table.quiescence.online(0)
    let held = table.view.snapshot()
    try writer.apply([.set(Binding(key: binding.key, tunnel: tunnels[2]))])
    #expect(held.find([binding.key.prefix.address]) == [Found(binding)])
    try writer.expectSound()
  }

  /// After the last generation the writer stops: better no change than one that is in no order with the others.
  @Test func noGenerationAfterTheLast() async {
    await #expect(processExitsWith: .failure) {
      do {
        let (_, writer, tunnels) = try GenerationTests.table(from: UInt64.max - 4)
        // Four tunnels have been published.
        guard writer.generation == UInt64.max, writer.tunnel(Fixture.endpoints(3)) == tunnels[3] else { return }
        try writer.apply([.set(Binding(key: LimitTests.key(5), tunnel: tunnels[1]))])
      } catch {
        // Passed on, an error would end the process in failure as well: only the trap may.
      }
    }
  }
}
