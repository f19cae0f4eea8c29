import FlowTable
import Testing

@Suite struct NextHopTests {
  static func header(_ entry: NextHopEntry) -> [UInt8] {
    let (first, second, third) = entry.headerWords
    let octets = [first, second].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(8 * $0)) }
    }
    return Array((octets + [UInt8(truncatingIfNeeded: third), UInt8(third >> 8)]).prefix(entry.headerLength))
  }

  @Test func headerTemplate() throws {
    let fixture = try Fixture()
    let destination = try #require(MACAddress(text: "02:11:22:33:44:55"))
    let source = try #require(MACAddress(text: "06:aa:bb:cc:dd:ee"))
    let addresses: [UInt8] = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x06, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]
    let plain = Adjacency(port: 3, destination: destination, source: source)
    try fixture.writer.updateNextHop(fixture.nextHop, .resolved(plain))
    let entry = fixture.table.view.snapshot().nextHop(fixture.nextHop)
    #expect(entry.kind == .resolved && entry.port == 3 && entry.headerLength == 14)
    #expect(Self.header(entry) == addresses + [0, 0])
    #expect(entry.state == .resolved(plain) && fixture.writer.nextHop(fixture.nextHop) == .resolved(plain))
    // IEEE 802.1Q: tag protocol 0x8100, then the VLAN identifier, then the EtherType.
    let tagged = Adjacency(port: 4, destination: destination, source: source, vlan: 0x0abc)
    try fixture.writer.updateNextHop(fixture.nextHop, .resolved(tagged))
    let other = fixture.table.view.snapshot().nextHop(fixture.nextHop)
    #expect(other.port == 4 && other.headerLength == 18 && other.state == .resolved(tagged))
    #expect(Self.header(other) == addresses + [0x81, 0x00, 0x0a, 0xbc, 0, 0])
  }

  @Test func statesWithoutAHeader() throws {
    let fixture = try Fixture()
    let states: [(NextHopState, NextHopEntry.Kind)] = [
      (.unresolved, .unresolved), (.unreachable, .unreachable), (.kernel, .kernel),
    ]
    for (state, kind) in states {
      try fixture.writer.updateNextHop(fixture.nextHop, state)
      let entry = fixture.table.view.snapshot().nextHop(fixture.nextHop)
      #expect(entry.kind == kind && entry.state == state && entry.headerLength == 0)
    }
    #expect(fixture.table.view.snapshot().nextHop(NextHopID(0)).kind == .unreachable)
    #expect(fixture.writer.nextHop(NextHopID(0)) == .unreachable)
  }

  @Test func replacedRecordStaysForWhoHoldsIt() throws {
    let fixture = try Fixture()
    let adjacency = Adjacency(port: 1, destination: MACAddress(1), source: MACAddress(2))
    try fixture.writer.updateNextHop(fixture.nextHop, .resolved(adjacency))
    fixture.table.quiescence.online(0)
    let held = fixture.table.view.snapshot().nextHop(fixture.nextHop)
    for number in 0..<100 {
      let next = Adjacency(port: 2, destination: MACAddress(UInt64(number)), source: MACAddress(2))
      try fixture.writer.updateNextHop(fixture.nextHop, .resolved(next))
      fixture.writer.reclaim()
    }
    #expect(held.state == .resolved(adjacency))
    fixture.table.quiescence.report(0)
    fixture.writer.reclaim()
    #expect(fixture.writer.statistics.retired == 0)
  }
}
