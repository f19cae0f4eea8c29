import FlowTable
import Testing

/// What a batch needs is reserved before its first change, also when making room frees what the batch then needs again.
@Suite struct ReservationTests {
  /// The batch finds the retire queue full, so removed keys are unlinked before it begins; it sets those keys again, and
  /// as many new ones. All of them need slots, of which a storage of 64 buckets has 640.
  @Test(arguments: [100, 500])
  func keysThatTheBatchItselfUnlinks(_ count: Int) throws {
    let fixture = try Fixture(retired: 1000)
    let writer = fixture.writer
    let keys = (0..<501 + count).map { LimitTests.key($0) }
    func set(_ numbers: Range<Int>, _ tunnel: Int) -> [TableWriter.BindingChange] {
      numbers.map { .set(Binding(key: keys[$0], tunnel: fixture.tunnels[tunnel])) }
    }
    try writer.apply(set(0..<501, 0))
    fixture.table.quiescence.online(0)
    try writer.apply((1..<501).map { .remove(keys[$0]) })
    #expect(writer.statistics.retired == 1000 && writer.statistics.proxyTable.entries == 501)
    fixture.table.quiescence.report(0)
    try writer.apply(set(0..<501 + count, 1))
    let found = fixture.table.view.snapshot().find(keys.map(\.prefix.address))
    #expect(found.allSatisfy { $0?.tunnel == fixture.tunnels[1] })
    #expect(writer.statistics.proxyTable.loadFactor <= 0.9)
    try writer.expectSound()
  }

  @Test(arguments: [100, 500])
  func routesThatTheBatchItselfUnlinks(_ count: Int) throws {
    let fixture = try Fixture(retired: 1000)
    let writer = fixture.writer
    let hops = try (0..<2).map { _ in try writer.addNextHop(.kernel) }
    let prefixes = (0..<501 + count).map { LimitTests.key($0).prefix }
    try writer.apply(routes: prefixes[..<501].map { .set($0, hops[0]) })
    fixture.table.quiescence.online(0)
    try writer.apply(routes: prefixes[1..<501].map { .remove($0) })
    #expect(writer.statistics.retired == 1000 && writer.statistics.routeTable.entries == 501)
    fixture.table.quiescence.report(0)
    try writer.apply(routes: prefixes.map { .set($0, hops[1]) })
    #expect(fixture.table.view.snapshot().findRoutes(prefixes.map(\.address)).allSatisfy { $0 == hops[1] })
    #expect(writer.statistics.routeTable.loadFactor <= 0.9)
    try writer.expectSound()
  }
}
