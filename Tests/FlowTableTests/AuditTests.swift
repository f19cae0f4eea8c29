import FlowTable
import Testing

/// The audit finds nothing in a sound table, and every damage in a damaged one.
@Suite struct AuditTests {
  @Test(arguments: allDamages)
  func damageIsFound(_ damage: Damage) throws {
    let fixture = try AuditFixture()
    try fixture.writer.expectSound()
    let octets = fixture.octets
    try damage.inflict(fixture)
    let report = try fixture.audit()
    #expect(report.findings.contains { $0.invariant == damage.breaks }, "found \(report.findings)")
    // With the octets as they were it is sound again: it was this damage, and the audit has written nothing.
    fixture.restore(octets)
    try fixture.writer.expectSound()
  }

  /// Every invariant has a damage that breaks it.
  @Test func noInvariantIsUntested() {
    let broken = allDamages.map(\.breaks)
    #expect(Set(broken) == Set(TableInvariant.allCases))
  }

  /// A bit that turns in any octet of an index is found, but for the record numbers of free slots, which nobody reads,
  /// and the filters that are in use, where a bit too many does no harm.
  @Test func everyOctetOfTheIndex() throws {
    let fixture = try AuditFixture()
    let writer = fixture.writer
    for part in [TablePart.proxyBuckets, .growingBuckets] {
      for offset in stride(from: 0, to: writer.byteCount(part), by: 100 / testShare) {
        let place = offset % 64
        if place >= 24 && writer.tag(part, offset / 64, (place - 24) / 4) == 0 { continue }
        if (22...23).contains(place) && writer.filter(part, offset / 64) != 0 { continue }
        let before = writer.octet(part, offset)
        writer.set(part, offset, to: before ^ 1 << UInt8((offset * 5 + offset / 64) & 7))
        try #require(try !fixture.audit().isSound, "\(part), octet \(offset)")
        writer.set(part, offset, to: before)
      }
    }
    try writer.expectSound()
  }

  /// Whatever octets are there, an audit ends and does not trap.
  @Test func survivesAnything() throws {
    let seed = testSeed("survivesAnything")
    var generator = SeededGenerator(seed: seed)
    let fixture = try AuditFixture()
    let writer = fixture.writer
    let octets = fixture.octets
    for _ in 0..<40 * testShare {
      for _ in 0..<1 + generator.below(40) {
        let part = AuditFixture.parts[generator.below(AuditFixture.parts.count)]
        let offset = generator.below(writer.byteCount(part) / 4) * 4
        let word = UInt32(truncatingIfNeeded: generator.next())
        writer.set(part, offset, word32: generator.oneIn(2) ? word : word & 0x1ff)
      }
      _ = try fixture.audit()
      if generator.oneIn(10) { fixture.restore(octets) }
    }
    fixture.restore(octets)
    try writer.expectSound()
  }
}
