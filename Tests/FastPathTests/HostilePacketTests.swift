import FastPath
import FlowTable
import Glibc
import Testing

/// Any octets at all: never a trap, exactly one fate each, and the counters add up.
struct HostilePacketTests {
  /// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough to mutate packets.
  struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }
  }

  static func seed() -> UInt64 {
    // Safe: getenv's string is copied before anything could change the environment.
    let given = unsafe getenv("FASTPATH_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
    let seed = given ?? UInt64.random(in: 1...UInt64.max)
    print("seed \(seed); to run again: FASTPATH_SEED=\(seed) swift test -c release --filter HostilePacketTests")
    return seed
  }

  private static func templates() -> [[UInt8]] {
    typealias P = SamplePackets
    let inner = P.ipv6(
      source: P.mobileNode1, destination: P.correspondent, next: 17, P.udp(from: 1, to: 2, [1, 2, 3, 4]))
    let inner4 = P.ipv4(
      source: P.mobileNode1v4, destination: P.correspondent4, proto: 6, [UInt8](repeating: 9, count: 30))
    let options: [UInt8] = [41, 0, 4, 1, 4, 1, 1, 0]
    let down = P.ipv6(source: P.correspondent, destination: P.mobileNode1, next: 6, [UInt8](repeating: 1, count: 40))
    let up = P.ipv6(source: P.gateway1, destination: P.anchor, next: 41, inner)
    // Every kind of header that a walk follows, with what ends one; a fragment; an error about a tunnel packet.
    let chain: [UInt8] = [60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 4, 1, 9, 1, 1, 0, 44, 0, 4, 0, 0, 0, 0, 0]
    let sent = P.ipv6(source: P.anchor, destination: P.gateway1, next: 41, down)
    let bodies: [(UInt16, [UInt8])] = [
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 0, chain + [41, 0, 0, 0, 0, 0, 0, 1] + inner)),
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 44, [41, 0, 0, 1, 0, 0, 0, 7] + inner)),
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 58, [2, 0, 0, 0, 0, 0, 5, 0x78] + sent)),
      (
        0x86dd, P.ipv6(source: P.correspondent, destination: P.mobileNode1, next: 0, chain + [59, 0, 0, 0, 0, 0, 0, 1])
      ),
      (0x88a8, [0, 9, 0x81, 0, 0, 7, 0x86, 0xdd] + up),
      (0x86dd, down), (0x86dd, inner), (0x0800, inner4),
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 41, inner)),
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 4, inner4)),
      (0x86dd, P.ipv6(source: P.gateway1, destination: P.anchor, next: 60, options + inner)),
      (0x86dd, P.ipv6(source: P.anchor, destination: P.gateway1, next: 41, down)),
      (0x8100, [0, 7, 0x86, 0xdd] + down),
    ]
    return bodies.map { P.ethernet(to: P.coreMAC, from: [2, 0, 0, 0, 1, 0x10], type: $0.0, $0.1) }
  }

  @Test(arguments: [PlaneRole.localMobilityAnchor, .mobileAccessGateway])
  func anyOctetsHaveExactlyOneFate(role: PlaneRole) throws {
    let domain = role == .localMobilityAnchor ? try SampleDomain.anchor() : try SampleDomain.gateway()
    var generator = SeededGenerator(state: Self.seed())
    let templates = Self.templates()
    var sent = 0
    var kernel = 0
    var dropped = 0
    var held = 0
    let rounds = 300_000
    for _ in 0..<rounds {
      var frame = templates[Int(generator.next() % UInt64(templates.count))]
      for _ in 0..<(generator.next() % 6) {
        frame[Int(generator.next() % UInt64(frame.count))] = UInt8(truncatingIfNeeded: generator.next())
      }
      if generator.next() % 3 == 0 { frame.removeLast(Int(generator.next() % UInt64(frame.count + 1))) }
      if generator.next() % 16 == 0 { frame = Self.noise(&generator) }
      if generator.next() % 8 == 0 { frame += [UInt8](repeating: 0xee, count: Int(generator.next() % 64)) }
      let outcome = domain.plane.process(frame, port: Int(generator.next() % 2))
      switch outcome.fate {
      case .transmitted: sent += 1
      case .kernel: kernel += 1
      case .dropped: dropped += 1
      case .held: held += 1
      }
      #expect(outcome.sent.count == (outcome.fate == .transmitted ? 1 : 0))
    }
    let counters = domain.plane.counters
    let drops = DropReason.allCases.reduce(0) { $0 + counters.drops($1) }
    let punts = PuntReason.allCases.reduce(0) { $0 + counters.punts($1) }
    let received = (0..<2).reduce(0) { $0 + counters.receivedPackets(port: $1) }
    let transmitted = (0..<2).reduce(0) { $0 + counters.transmittedPackets(port: $1) }
    #expect(received == UInt64(rounds))
    #expect(received == transmitted + drops + punts + counters.handedOver)
    #expect(UInt64(held) == counters.handedOver)
    #expect(UInt64(sent) == transmitted && UInt64(kernel) == punts && UInt64(dropped) == drops)
    #expect(sent > 0 && kernel > 0 && dropped > 0 && (held > 0 || role == .mobileAccessGateway))
  }

  /// Octets that nobody has made, with an EtherType that lets half of them be looked at.
  private static func noise(_ generator: inout SeededGenerator) -> [UInt8] {
    var frame = (0..<(generator.next() % 200)).map { _ in UInt8.random(in: 0...255, using: &generator) }
    if frame.count > 14, generator.next() % 2 == 0 { frame.replaceSubrange(12...14, with: [0x86, 0xdd, 0x60]) }
    return frame
  }

  /// Every prefix of a good packet is truncated, and says so.
  @Test func truncationNamesItself() throws {
    let domain = try SampleDomain.anchor()
    let inner = SamplePackets.ipv6(
      source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: 17,
      SamplePackets.udp(from: 1, to: 2, [1, 2, 3, 4]))
    let frame = SamplePackets.ethernet(to: SamplePackets.coreMAC, from: SamplePackets.peerMAC, type: 0x86dd, inner)
    for length in 0..<frame.count {
      let outcome = domain.plane.process(Array(frame.prefix(length)), port: 0)
      #expect(outcome.fate == .dropped(.truncated), "length \(length)")
    }
    #expect(domain.plane.process(frame, port: 0).fate == .transmitted)
  }
}
