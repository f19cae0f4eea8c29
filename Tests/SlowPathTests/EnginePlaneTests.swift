import FastPath
import FlowTable
import SlowPath
import Testing

/// Hostile frames through a whole anchor, worker and slow path: no trap, and no packet is lost from the books.
@Suite struct EnginePlaneTests {
  private typealias P = EnginePackets

  private struct Anchor {
    let plane: OfflinePlane
    var engine: SlowPathEngine

    init() throws {
      let port = MACAddress(0x0200_0000_0001)
      let local = try #require(IPAddress(text: P.anchor))
      let remote = try #require(IPAddress(text: P.gateway))
      let settings = PlaneSettings(
        role: .localMobilityAnchor,
        ports: [
          PortSettings(name: "core", kinds: .core, mac: port, mtu: 1500),
          PortSettings(name: "transport", kinds: .transport, mac: port, mtu: 1500),
        ],
        localAddresses: [local], pools: [try #require(Prefix(text: "2001:db8:100::/40"))], answersUnbound: true)
      let limits = FlowTableLimits(bindings: 64, tunnels: 16, nextHops: 16, routes: 16, retired: 64, workers: 1)
      let table = try FlowTable(limits: limits)
      let writer = try table.makeWriter()
      let hop = try writer.addNextHop(.resolved(Adjacency(port: 1, destination: MACAddress(2), source: port)))
      let core = try writer.addNextHop(.resolved(Adjacency(port: 0, destination: MACAddress(3), source: port)))
      try writer.setRoute(try #require(Prefix(text: "::/0")), core)
      // A path of 1280 octets.
      let tunnel = try writer.addTunnel(
        TunnelSettings(endpoints: TunnelEndpoints(local: local, remote: remote), mtu: 1240), nextHop: hop)
      let prefix = try #require(Prefix(text: "2001:db8:100:1::/64"))
      try writer.apply([.set(Binding(key: BindingKey(table: .proxy, prefix: prefix), tunnel: tunnel))])
      plane = try OfflinePlane(settings: settings, table: table)
      engine = SlowPathEngine(
        settings: SlowPathSettings(
          routerAddresses: [local], localAddresses: [local], rate: 1_000_000, burst: 1_000_000,
          reassembly: ReassemblyLimits(largestPacket: settings.largestPacket)))
    }

    /// One frame and all that comes of it; how many packets the slow path sent.
    mutating func run(_ frame: [UInt8], port: Int, now: UInt64) -> Int {
      var out: [OriginatedPacket] = []
      for exception in plane.process(frame, port: port).exceptions { engine.handle(exception, now: now, into: &out) }
      engine.advance(to: now, into: &out)
      var position = 0
      while position < out.count {
        let packet = out[position]
        position += 1
        guard let outcome = plane.process(packet) else {
          engine.refuse(packet)
          continue
        }
        for exception in outcome.exceptions { engine.handle(exception, now: now, into: &out) }
      }
      return out.count
    }

    /// Both sides of the conservation law, whatever is held on its own.
    var books: (received: Int, accounted: Int) {
      let report = CounterReport(
        ports: ["core", "transport"], plane: plane.counters, slowPath: engine.counters,
        steering: [[UInt64]](repeating: [UInt64](repeating: 0, count: SteerReason.allCases.count), count: 2),
        tunnels: [])
      func sum(_ prefix: String) -> Int {
        report.entries.reduce(0) { $0 + ($1.name.hasPrefix(prefix) ? Int($1.value) : 0) }
      }
      return (
        sum("rx.") + sum("originated."), sum("tx.") + sum("kernel.") + sum("drop.") + sum("consumed.") + sum("held")
      )
    }
  }

  @Test func hostileFramesStayInTheBooks() throws {
    let seed = seedFromEnvironment()
    print("engine plane: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter EnginePlane")
    var random = SplitMix(state: seed)
    var anchor = try Anchor()
    let templates = Self.templates()
    var sent = 0
    var now: UInt64 = 0
    for number in 0..<100_000 {
      var packet = templates[random.below(templates.count)]
      if packet[6] == 44 { packet[47] = UInt8(random.below(100)) }
      if random.below(2) == 0 {
        for _ in 0..<(1 + random.below(3)) { packet[random.below(packet.count)] = UInt8(random.below(256)) }
      }
      if random.below(10) == 0 { packet.removeLast(random.below(packet.count)) }
      now += random.below(1000) == 0 ? 30_000_000_000 : 1000
      let link: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd]
      sent += anchor.run(link + packet, port: random.below(2), now: now)
      if number % 1000 == 0 {
        let books = anchor.books
        #expect(books.received == books.accounted, "seed \(seed), packet \(number)")
      }
    }
    _ = anchor.run([], port: 0, now: .max)
    let books = anchor.books
    #expect(books.received == books.accounted, "seed \(seed)")
    #expect(sent > 10_000, "seed \(seed): the slow path had little to do")
    for kind in [
      OriginatedKind.timeExceeded, .destinationUnreachable, .parameterProblem, .packetTooBig, .fragment, .relay,
    ] {
      #expect(anchor.engine.counters.originated(kind) > 50, "seed \(seed): hardly a \(kind.name)")
    }
    #expect(anchor.engine.counters.consumed > 50, "seed \(seed): hardly a packet was put together")
  }

  private static func templates() -> [[UInt8]] {
    let small = P.ipv6(P.correspondent, P.mobileNode, next: 17, [UInt8](repeating: 1, count: 1240))
    let up = P.ipv6(P.mobileNode, P.correspondent, next: 17, [UInt8](repeating: 3, count: 200))
    let sent = P.ipv6(P.anchor, P.gateway, next: 41, small)
    let fragments = [(0, true), (104, false)].map { offset, more in
      let data = Array(up[offset..<(more ? 104 : up.count)])
      return P.ipv6(
        P.gateway, P.anchor, next: 44, P.fragment(of: 41, offset: offset, more: more, identification: 0, data))
    }
    return fragments + [
      small,
      P.ipv6(P.correspondent, P.mobileNode, next: 17, hops: 1, [UInt8](repeating: 1, count: 40)),
      P.ipv6(P.correspondent, P.mobileNode, next: 6, [UInt8](repeating: 1, count: 1300)),
      P.ipv6(P.correspondent, "2001:db8:100:9::1", next: 17, [UInt8](repeating: 1, count: 40)),
      P.ipv6(P.correspondent, P.mobileNode, next: 60, [17, 0, 4, 1, 0, 1, 1, 0] + [UInt8](repeating: 1, count: 40)),
      P.ipv6(P.gateway, P.anchor, next: 41, P.ipv6(P.mobileNode, P.correspondent, next: 17, hops: 1, [1, 2, 3, 4])),
      P.ipv6(P.gateway, P.anchor, next: 60, [41, 0, 200, 1, 0, 1, 1, 0] + up),
      P.icmp("2001:db8:ee::1", P.anchor, type: 3, code: 0, parameter: 0, Array(sent.prefix(600))),
      P.icmp("2001:db8:ee::1", P.anchor, type: 2, code: 0, parameter: 1300, Array(sent.prefix(600))),
    ]
  }
}
