import FlowTable
import Testing

/// Freeing in steps: each does as much as it may, and what is left stays as it was.
@Suite struct ReclaimTests {
  private static let limit = 8192

  private static func remove(_ count: Int, from fixture: Fixture) throws {
    let keys = (0..<count).map(LimitTests.key)
    try fixture.writer.apply(keys.map { .set(Binding(key: $0, tunnel: fixture.tunnels[0])) })
    try fixture.writer.apply(keys.map { .remove($0) })
    #expect(fixture.writer.statistics.retired == 2 * count)
  }

  /// A removed binding is three items: its record, its tombstone to unlink, its tombstone to free.
  @Test func stepsAreBoundedAndEnd() throws {
    let fixture = try Fixture()
    let writer = fixture.writer
    let count = 3000 * testShare
    try Self.remove(count, from: fixture)
    let again = LimitTests.key(count / 2)
    let least = 3 * count / Self.limit
    var steps = 1
    while writer.reclaim(limit: Self.limit), steps < 2 * least + 10 {
      steps += 1
      guard steps == least / 2 else { continue }
      // In the middle of it updates go on, also of keys whose tombstones are still there.
      try writer.apply([.set(Binding(key: again, tunnel: fixture.tunnels[1]))])
      try writer.expectSound()
    }
    #expect(steps >= least && steps <= least + 2)
    #expect(writer.statistics.retired == 0)
    #expect(writer.statistics.proxyTable.entries == 1 && writer.binding(again)?.tunnel == fixture.tunnels[1])
    try writer.expectSound()
  }

  /// A worker that has not reported holds it up; then there is nothing to go on with.
  @Test func nothingIsLeftToFreeBehindAWorker() throws {
    let fixture = try Fixture()
    fixture.table.quiescence.online(0)
    try Self.remove(100, from: fixture)
    #expect(!fixture.writer.reclaim(limit: Self.limit) && fixture.writer.statistics.retired == 200)
    fixture.table.quiescence.report(0)
    #expect(fixture.writer.reclaim(limit: 150) && fixture.writer.statistics.retired == 125)
    #expect(!fixture.writer.reclaim(limit: 150) && fixture.writer.statistics.retired == 100)
    fixture.table.quiescence.report(0)
    #expect(!fixture.writer.reclaim(limit: 150) && fixture.writer.statistics.retired == 0)
  }

  /// Behind a batch that went beyond the retire queue's limit a small change frees what it needs, not everything.
  @Test func reservationFreesInSteps() throws {
    let limit = 4 * Self.limit
    let fixture = try Fixture(retired: limit)
    let kept = BindingKey(table: .mobile, prefix: try "2001:db8::/64".asPrefix)
    try fixture.writer.apply([.set(Binding(key: kept, tunnel: fixture.tunnels[0]))])
    try Self.remove(3 * limit, from: fixture)
    try fixture.writer.apply([.set(Binding(key: kept, tunnel: fixture.tunnels[1]))])
    let waiting = fixture.writer.statistics.retired
    #expect(waiting <= limit && waiting > limit - Self.limit)
    try fixture.writer.expectSound()
  }
}
