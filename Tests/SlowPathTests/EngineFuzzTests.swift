import FastPath
import FlowTable
import SlowPath
import Testing

/// Any octets into the engine: no trap, one fate for each packet, and what comes out is what a router may send.
@Suite struct EngineFuzzTests {
  private typealias P = EnginePackets

  private static let settings = SlowPathSettings(
    routerAddresses: [IPAddress(text: P.anchor), IPAddress(text: "192.0.2.1")].compactMap(\.self),
    localAddresses: [P.anchor, "2001:db8:1::2", "192.0.2.1"].compactMap { IPAddress(text: $0) }, rate: 1_000_000,
    burst: 1_000_000)

  @Test func anyOctetsHaveOneFateAndAnswersAreWellFormed() {
    let seed = seedFromEnvironment()
    print("engine fuzz: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter EngineFuzz")
    var random = SplitMix(state: seed)
    var engine = SlowPathEngine(settings: Self.settings)
    let templates = Self.templates()
    var open: Set<UInt64> = []
    var kinds: [OriginatedKind: Int] = [:]
    var clock: UInt64 = 0
    for ticket in 0..<100_000 as Range<UInt64> {
      let exception = Self.exception(ticket, templates, &random)
      if exception.kind == .outerFragment || exception.kind == .oversized { open.insert(ticket) }
      clock += random.below(50) == 0 ? UInt64(random.below(20)) * 1_000_000_000 : UInt64(random.below(1_000_000))
      var out: [OriginatedPacket] = []
      engine.handle(exception, now: clock, into: &out)
      for packet in out {
        guard let kind = packet.kind else {
          for ticket in packet.tickets where open.remove(ticket) == nil { Issue.record("seed \(seed): two fates") }
          continue
        }
        kinds[kind, default: 0] += 1
        if kind != .fragment { Self.check(packet.octets, "seed \(seed), ticket \(ticket)") }
      }
      for settlement in engine.takeSettlements() {
        for ticket in settlement.tickets where open.remove(ticket) == nil { Issue.record("seed \(seed): two fates") }
      }
      _ = engine.takeChanges()
    }
    var last: [OriginatedPacket] = []
    engine.advance(to: .max, into: &last)
    for settlement in engine.takeSettlements() { open.subtract(settlement.tickets) }
    #expect(open.isEmpty, "seed \(seed): \(open.count) packets without a fate")
    // What the kernel originates is no answer to anything.
    for kind in OriginatedKind.allCases where kind != .local {
      #expect(kinds[kind, default: 0] > 20, "seed \(seed): hardly a \(kind.name)")
    }
  }

  /// An error is an ICMP error within its size, with right lengths and checksums.
  private static func check(_ octets: [UInt8], _ context: String) {
    if octets[0] >> 4 == 6 {
      #expect(octets.count <= 1280 && octets.count == 40 + Int(octets[4]) * 256 + Int(octets[5]), "\(context)")
      #expect(octets[6] == 58 && octets[40] < 128, "\(context)")
      let length = octets.count - 40
      let pseudo = Array(octets[8..<40]) + [0, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, 58]
      #expect(P.foldedSum(pseudo + Array(octets[40...])) == 0xffff, "\(context)")
    } else {
      #expect(octets.count <= 576 && octets.count == Int(octets[2]) * 256 + Int(octets[3]), "\(context)")
      #expect(octets[9] == 1 && [3, 11].contains(octets[20]), "\(context)")
      #expect(P.foldedSum(Array(octets[..<20])) == 0xffff && P.foldedSum(Array(octets[20...])) == 0xffff, "\(context)")
    }
  }

  private static func templates() -> [(ExceptionKind, [UInt8])] {
    let down = P.ipv6(P.correspondent, P.mobileNode, next: 17, [UInt8](repeating: 1, count: 1300))
    let down4 = P.ipv4("198.51.100.1", "203.0.113.10", proto: 17, flags: 0x40, [UInt8](repeating: 2, count: 700))
    let sent = P.ipv6(P.anchor, P.gateway, next: 41, down)
    let sent4 = P.ipv6(P.anchor, P.gateway, next: 4, down4)
    let limited = P.ipv6(P.anchor, P.gateway, next: 60, [41, 0, 4, 1, 0, 1, 1, 0] + down)
    let up = P.ipv6(P.mobileNode, P.correspondent, next: 17, [UInt8](repeating: 3, count: 200))
    let inner: [(ExceptionKind, [UInt8])] = [
      ExceptionKind.timeExceeded, .packetTooBig, .noRoute, .unbound, .addressUnreachable, .parameterProblem,
    ].flatMap { [($0, down), ($0, down4)] }
    let reports = [(1, 0, sent), (2, 0, sent), (3, 0, sent4), (2, 0, sent4), (4, 0, limited)].map {
      type, code, quoted in
      let parameter = type == 2 ? 1300 : 44
      return (
        ExceptionKind.tunnelError,
        P.icmp(
          "2001:db8:ee::1", P.anchor, type: UInt8(type), code: UInt8(code), parameter: parameter,
          Array(quoted.prefix(1232)))
      )
    }
    let parts = [(0, true), (104, true), (208, false)].map { offset, more in
      let end = more ? offset + 104 : up.count
      let data = Array(up[offset..<end])
      return (
        ExceptionKind.outerFragment,
        P.ipv6(P.gateway, P.anchor, next: 44, P.fragment(of: 41, offset: offset, more: more, identification: 0, data))
      )
    }
    let outer = P.ipv6(P.gateway, P.anchor, next: 60, [41, 0, 200, 1, 0, 1, 1, 0] + up)
    return inner + reports + parts
      + [(.oversized, sent), (.oversized, limited), (.outerParameterProblem, outer), (.outerUnknownOption, outer)]
  }

  private static func exception(
    _ ticket: UInt64, _ templates: [(ExceptionKind, [UInt8])], _ random: inout SplitMix
  ) -> ExceptionPacket {
    var (kind, octets) = templates[random.below(templates.count)]
    if kind == .outerFragment { octets[47] = UInt8(random.below(200)) }
    if random.below(3) == 0 {
      for _ in 0..<(1 + random.below(4)) { octets[random.below(octets.count)] = UInt8(random.below(256)) }
    }
    if random.below(8) == 0 { octets.removeLast(random.below(octets.count + 1)) }
    if random.below(20) == 0 { octets = (0..<random.below(120)).map { _ in UInt8(random.below(256)) } }
    if random.below(20) == 0 { kind = ExceptionKind.allCases[random.below(ExceptionKind.allCases.count)] }
    return ExceptionPacket(
      kind: kind, port: UInt8(random.below(3)), tunnel: TunnelID(UInt32(random.below(4))),
      detail: random.below(4) == 0 ? UInt16(random.below(65536)) : 1460, tickets: [ticket], octets: octets)
  }
}
