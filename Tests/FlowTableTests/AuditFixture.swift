import FlowTable
import Testing

/// A table in which everything is going on at once: a proxy table that is growing with part of its buckets copied, keys
/// that passed full buckets, a reader that holds up replaced records and tombstones, ended tunnels and next hops, and
/// free indices of all kinds.
struct AuditFixture {
  let fixture: Fixture
  var writer: TableWriter { fixture.writer }
  /// Present bindings of the proxy table, in the order of their first setting.
  let present: [Prefix]
  let replaced: Prefix
  /// A block of localized routes that no binding names.
  let kept: LocalizedRoutesID

  static func prefix(_ number: Int) -> Prefix {
    let length = [64, 64, 64, 128, 56][number % 5]
    return Prefix(covering: IPAddress(ipv6High: UInt64(number) << 12 | 0xf, low: 7), length: length)
  }

  init() throws {
    fixture = try Fixture(tunnels: 8, retired: 4096, workers: 2)
    let writer = fixture.writer
    let tunnels = fixture.tunnels
    func set(_ number: Int, _ tunnel: Int = 0, peer: Int? = nil, _ table: BindingTable = .proxy) throws {
      let key = BindingKey(table: table, prefix: Self.prefix(number))
      try writer.apply([.set(Binding(key: key, tunnel: tunnels[tunnel], peer: peer.map { tunnels[$0] }))])
    }
    let hops = try (0..<5).map { _ in try writer.addNextHop(.kernel) }
    for number in 0..<100 {
      try writer.setRoute(Self.prefix(number + 5000), hops[number % 5])
      try set(number, number % 5, .mobile)
    }
    for number in 0..<400 { try set(number, number % 3, peer: number % 7 == 0 ? 3 : nil) }
    var end = 1000
    while !writer.statistics.proxyTable.isGrowing {
      try set(end, 1)
      end += 1
    }
    // Free indices: nobody is online yet.
    for number in 0..<150 { try writer.apply([.remove(BindingKey(table: .proxy, prefix: Self.prefix(number)))]) }
    try writer.removeTunnel(tunnels[7])
    let routes = [LocalizedRoute](repeating: LocalizedRoute(to: Self.prefix(1), tunnel: tunnels[0]), count: 256)
    let blocks = try [256, 7, 7, 7, 7].map { try writer.addLocalizedRoutes(Array(routes.prefix($0))) }
    for block in blocks { writer.retireLocalizedRoutes(block) }
    // The last of seven keeps its chunk, in which four blocks are free then; the first chunk is empty.
    kept = try writer.addLocalizedRoutes(Array(routes.prefix(7)))
    writer.reclaim()
    fixture.table.quiescence.online(1)
    for number in 361..<400 { try set(number, 5, peer: 4) }
    replaced = Self.prefix(390)
    for number in 200..<220 { try writer.apply([.remove(BindingKey(table: .proxy, prefix: Self.prefix(number)))]) }
    // One key twice in a batch, and a removed one that comes back before its tombstone has gone.
    let twice = BindingKey(table: .proxy, prefix: replaced)
    try writer.apply([.set(Binding(key: twice, tunnel: tunnels[1])), .set(Binding(key: twice, tunnel: tunnels[2]))])
    try set(219, 1)
    try writer.updateTunnel(tunnels[4], settings: .init(endpoints: Fixture.endpoints(4), mtu: 1300), nextHop: hops[0])
    try writer.removeTunnel(tunnels[6])
    try writer.updateNextHop(hops[1], .unreachable)
    let ended = try writer.addNextHop(.kernel)
    try writer.removeNextHop(ended)
    present = (Array(220..<300) + Array(304..<360) + Array(1000..<end)).map(Self.prefix)
    try localize()
  }

  /// Blocks of localized routes: the first is named by two bindings, the second is given up and named by one, the third
  /// waits for the reader. Others of their size were freed before.
  private func localize() throws {
    let (writer, tunnels) = (fixture.writer, fixture.tunnels)
    func block(_ routes: Int) throws -> LocalizedRoutesID {
      try writer.addLocalizedRoutes(
        (0..<routes).map {
          LocalizedRoute(to: Self.prefix(5 * $0), tunnel: tunnels[3 + $0 % 2], isReceiveOnly: $0 == 1)
        })
    }
    func set(_ numbers: [Int], _ block: LocalizedRoutesID?) throws {
      try writer.apply(
        numbers.map {
          let key = BindingKey(table: .proxy, prefix: Self.prefix($0))
          return .set(Binding(key: key, tunnel: tunnels[1], localizedRoutes: block))
        })
    }
    try set([300, 301], try block(7))
    let ended = try block(5)
    try set([302], ended)
    writer.retireLocalizedRoutes(ended)
    let waiting = try block(20)
    try set([303], waiting)
    try set([303], nil)
    writer.retireLocalizedRoutes(waiting)
  }

  static let parts: [TablePart] = [
    .header, .proxyBuckets, .mobileBuckets, .growingBuckets, .bindingRecords, .tunnelIndex, .tunnelRecords,
    .tunnelSlots,
    .nextHopRecords, .nextHopSlots, .routeRecords, .retireQueue, .freeBindingRecords, .freeTrafficCells,
    .quiescentWords,
    .routeRoots, .routeNodes, .routeLeaves, .localizedRoutes,
  ]

  /// All parts as they are.
  var octets: [[UInt8]] {
    Self.parts.map { part in (0..<writer.byteCount(part)).map { writer.octet(part, $0) } }
  }

  /// Puts all parts back as they were.
  func restore(_ octets: [[UInt8]]) {
    for (part, octets) in zip(Self.parts, octets) {
      for offset in octets.indices { writer.set(part, offset, to: octets[offset]) }
    }
  }

  /// - Returns: the audit's findings, after the check that it went through everything.
  func audit(_ location: SourceLocation = #_sourceLocation) throws -> AuditReport {
    let report = try TableAudit.run(writer)
    #expect(report.isWhole || report.findingCount >= 1000, sourceLocation: location)
    return report
  }
}

extension TableWriter {
  /// For every other test: the table holds together.
  func expectSound(_ comment: @autoclosure () -> Comment? = nil, _ location: SourceLocation = #_sourceLocation) throws {
    let report = try TableAudit.run(self)
    #expect(report.findings == [] && report.isWhole, comment(), sourceLocation: location)
  }
}
