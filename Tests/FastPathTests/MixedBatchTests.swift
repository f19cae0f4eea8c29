import FastPath
import FlowTable
import Testing

/// Packets of all kinds in batches of any size: each has the fate that it has alone.
///
/// Every other offline test runs a packet a turn, and what is right for one is proven there (Tests/Conformance).
struct MixedBatchTests {
  /// A plane whose turns take batches, and all that it counts.
  private final class Bed {
    let plane: BatchPlane
    private let domain: SampleDomain
    private let bindings: [BindingKey]

    init(_ role: PlaneRole) throws {
      domain = role == .localMobilityAnchor ? try SampleDomain.anchor() : try SampleDomain.gateway()
      var prefixes = ["2001:db8:100:1::/64", "203.0.113.10/32", "2001:db8:100:2::/64"]
      if role == .mobileAccessGateway {
        // A neighbour on the same link, for local routing, and an ordinary host.
        let access = AccessLink(port: 1, mac: try SampleDomain.mac("02:00:00:00:01:11"), vlan: nil)
        let neighbour = BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:100:2::/64"))
        let visitor = BindingKey(table: .proxy, prefix: try SampleDomain.prefix("2001:db8:f:1::/64"))
        try domain.writer.apply([
          .set(Binding(key: neighbour, tunnel: TunnelID(1), access: access)),
          .set(Binding(key: visitor, tunnel: TunnelID(0), access: access, isVisitor: true)),
        ])
        prefixes.append("2001:db8:f:1::/64")
      }
      bindings = try prefixes.map { BindingKey(table: .proxy, prefix: try SampleDomain.prefix($0)) }
      let settings =
        role == .localMobilityAnchor
        ? try SampleDomain.anchorSettings() : try SampleDomain.gatewaySettings(localRouting: true)
      plane = try BatchPlane(settings: settings, table: domain.table)
    }

    /// One turn; what leaves by each port, in order.
    func turn(_ frames: ArraySlice<[UInt8]>, port: Int) -> [[[UInt8]]] {
      for frame in frames {
        // Safe: the plane gives room for as many octets as the frame has.
        unsafe plane.offer(port: port, length: frame.count).copyMemory(from: frame, byteCount: frame.count)
      }
      _ = plane.turn()
      return (0..<2).map { port in
        (0..<plane.sentCount(port: port)).map { unsafe [UInt8](plane.sent(port: port, $0)) }
      }
    }

    /// Every counter of packets, by name.
    var counts: [String: UInt64] {
      var counts: [String: UInt64] = [:]
      for reason in DropReason.allCases { counts["drop.\(reason)"] = plane.counters.drops(reason) }
      for reason in PuntReason.allCases { counts["punt.\(reason)"] = plane.counters.punts(reason) }
      for port in 0..<2 {
        counts["rx.\(port)"] = plane.counters.receivedPackets(port: port)
        counts["tx.\(port)"] = plane.counters.transmittedPackets(port: port)
      }
      for id in 1...UInt32(2) { add("tunnel.\(id)", domain.writer.tunnelTraffic(TunnelID(id)), to: &counts) }
      for key in bindings { add("\(key.prefix)", domain.writer.bindingTraffic(key) ?? Traffic(), to: &counts) }
      return counts
    }

    private func add(_ name: String, _ traffic: Traffic, to counts: inout [String: UInt64]) {
      counts["\(name).up"] = traffic.up.packets
      counts["\(name).up.bytes"] = traffic.up.bytes
      counts["\(name).down"] = traffic.down.packets
      counts["\(name).down.bytes"] = traffic.down.bytes
    }
  }

  /// Downlink, uplink, from mobile node to mobile node, IPv4, ordinary hosts; nobody's tunnel, nobody's address, another's
  /// source, an end of life, a fragment.
  private static func templates() -> [[UInt8]] {
    typealias P = SamplePackets
    let visitor = P.address([0x2001, 0xdb8, 0xf, 1, 0, 0, 0, 7])
    let nobody = P.address([0x2001, 0xdb8, 0x100, 0xffff, 0, 0, 0, 1])
    let data = P.udp(from: 1, to: 2, [1, 2, 3, 4])
    func plain(_ source: [UInt8], _ destination: [UInt8], hops: UInt8 = 64) -> [UInt8] {
      P.ipv6(source: source, destination: destination, next: 17, hopLimit: hops, data)
    }
    let down4 = P.ipv4(source: P.correspondent4, destination: P.mobileNode1v4, proto: 17, data)
    let up4 = P.ipv4(source: P.mobileNode1v4, destination: P.correspondent4, proto: 17, data)
    func tunnelled(_ from: [UInt8], _ to: [UInt8], _ inner: [UInt8], next: UInt8 = 41) -> [UInt8] {
      P.ipv6(source: from, destination: to, next: next, inner)
    }
    let ipv6: [[UInt8]] = [
      plain(P.correspondent, P.mobileNode1), plain(P.correspondent, P.mobileNode2), plain(P.correspondent, nobody),
      plain(P.mobileNode1, P.correspondent), plain(P.mobileNode1, P.mobileNode2), plain(P.mobileNode2, P.mobileNode1),
      plain(P.correspondent, P.mobileNode1, hops: 1), plain(visitor, P.mobileNode1), plain(visitor, P.correspondent),
      tunnelled(P.gateway1, P.anchor, plain(P.mobileNode1, P.correspondent)),
      tunnelled(P.gateway1, P.anchor, plain(P.mobileNode1, P.mobileNode2)),
      tunnelled(P.gateway2, P.anchor, plain(P.mobileNode2, P.mobileNode1)),
      tunnelled(P.gateway2, P.anchor, plain(P.mobileNode1, P.correspondent)),
      tunnelled(P.correspondent, P.anchor, plain(P.mobileNode1, P.correspondent)),
      tunnelled(P.gateway1, P.anchor, up4, next: 4), tunnelled(P.anchor, P.gateway1, down4, next: 4),
      tunnelled(P.anchor, P.gateway1, plain(P.correspondent, P.mobileNode1)),
      tunnelled(P.anchor, P.gateway1, plain(P.correspondent, P.mobileNode2)),
      tunnelled(P.anchor, P.gateway1, plain(P.correspondent, nobody)),
      tunnelled(P.correspondent, P.gateway1, plain(P.correspondent, P.mobileNode1)),
      tunnelled(P.gateway1, P.anchor, [41, 0, 0, 1, 0, 0, 0, 7] + plain(P.mobileNode1, P.correspondent), next: 44),
    ]
    let frames: [(type: UInt16, body: [UInt8])] =
      ipv6.map { (0x86dd, $0) } + [(0x0800, down4), (0x0800, up4)]
    return [UInt8(0x10), 0x11].flatMap { node in
      frames.map { P.ethernet(to: P.coreMAC, from: [2, 0, 0, 0, 1, node], type: $0.type, $0.body) }
    }
  }

  @Test(arguments: [PlaneRole.localMobilityAnchor, .mobileAccessGateway])
  func everyPacketHasTheFateThatItHasAlone(role: PlaneRole) throws {
    let seed = testSeed("everyPacketHasTheFateThatItHasAlone")
    var generator = SeededGenerator(seed: seed)
    let (together, alone) = (try Bed(role), try Bed(role))
    let templates = Self.templates()
    // What goes to kernel and slow path stays in rings that nobody reads: full from here on, for both.
    for bed in [together, alone] {
      for port in 0..<2 { for frame in templates { _ = bed.turn([frame], port: port) } }
    }
    let before = alone.counts
    #expect(together.counts == before)
    for _ in 0..<4000 {
      let port = generator.below(2)
      var frames: [[UInt8]] = []
      for _ in 0...generator.below(BatchPlane.batch) {
        var frame = templates[generator.below(templates.count)]
        if generator.oneIn(4) { frame[generator.below(frame.count)] ^= 1 << UInt8(generator.below(8)) }
        if generator.oneIn(16) { frame.removeLast(generator.below(frame.count)) }
        frames.append(frame)
      }
      let sent = together.turn(frames[...], port: port)
      var expected: [[[UInt8]]] = [[], []]
      for index in frames.indices {
        for (port, more) in alone.turn(frames[index...index], port: port).enumerated() { expected[port] += more }
      }
      try #require(sent == expected, "seed \(seed), a batch of \(frames.count) on port \(port)")
    }
    let after = alone.counts
    #expect(together.counts == after)
    // Both ways and both kinds of end were in it.
    for name in ["tx.0", "tx.1", "drop.sourceNotBound", "drop.unknownTunnel", "tunnel.1.up", "tunnel.1.down"] {
      #expect(after[name, default: 0] > before[name, default: 0] + 1000, "\(name)")
    }
  }
}
