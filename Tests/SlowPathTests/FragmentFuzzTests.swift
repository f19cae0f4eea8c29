import FastPath
import SlowPath
import Testing

/// Any octets at any time: no trap, the limits kept, one fate for every packet given.
@Suite struct FragmentFuzzTests {
  @Test func anyOctetsHaveOneFateAndTheLimitsHold() {
    let seed = seedFromEnvironment()
    print("fragment fuzz: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter FragmentFuzz")
    var random = SplitMix(state: seed)
    let limits = ReassemblyLimits(octets: 50_000, octetsPerSource: 20_000, fragmentsPerPacket: 12)
    var reassembler = Reassembler(limits: limits)
    var open: Set<UInt64> = []
    var completed = 0
    var clock: UInt64 = 0
    for token in 0..<200_000 as Range<UInt64> {
      let octets = Self.octets(&random)
      clock = Self.time(after: clock, &random)
      open.insert(token)
      switch reassembler.add(octets, now: clock, token: token) {
      case .held: break
      case .complete(let packet):
        completed += 1
        for token in packet.tokens where open.remove(token) == nil {
          Issue.record("seed \(seed): \(token) has two fates")
        }
        #expect(packet.octets.count == 40 + Int(packet.octets[4]) * 256 + Int(packet.octets[5]), "seed \(seed)")
      case .dropped: open.remove(token)
      }
      for end in reassembler.expire(now: clock) {
        for token in end.tokens where open.remove(token) == nil { Issue.record("seed \(seed): \(token) has two fates") }
      }
      #expect(reassembler.octets <= limits.octets, "seed \(seed), token \(token)")
      #expect(reassembler.count <= limits.octets / ReassemblyLimits.packetCharge, "seed \(seed), token \(token)")
    }
    // A clock at its very end cannot go on; everything goes then.
    for end in reassembler.expire(now: .max) { open.subtract(end.tokens) }
    #expect(open.isEmpty && reassembler.octets == 0 && reassembler.count == 0, "seed \(seed)")
    #expect(completed > 100, "seed \(seed): hardly anything was well enough made to be completed")
  }

  @Test func anyOctetsCanBeCutOrAreRefused() {
    let seed = seedFromEnvironment()
    print(
      "fragmenter fuzz: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter FragmentFuzz")
    var random = SplitMix(state: seed)
    var fragmenter = OuterFragmenter(secret: FragmentSecret(first: seed, second: ~seed))
    var cut = 0
    for _ in 0..<100_000 {
      let mtu = [Int.min, -1, 0, 47, 48, 55, 56, 57, 100, 1280, Int.max][random.below(11)]
      let fragments = fragmenter.fragments(of: Self.octets(&random, whole: true), mtu: mtu)
      if fragments.count > 1 { cut += 1 }
      #expect(fragments.allSatisfy { $0.count <= mtu }, "seed \(seed)")
    }
    #expect(cut > 1000, "seed \(seed): hardly anything was cut")
  }

  /// Mostly a fragment (a packet without Fragment header if `whole`) with some octets changed or cut off; sometimes
  /// nothing but noise.
  private static func octets(_ random: inout SplitMix, whole: Bool = false) -> [UInt8] {
    if random.below(8) == 0 { return (0..<random.below(120)).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    var fragment = SampleFragment()
    fragment.source = UInt8(random.below(4))
    fragment.identification = UInt32(random.below(40))
    fragment.nextHeader = [41, 60, 253, 44, 0][random.below(5)]
    fragment.offset = 8 * (random.below(20) == 0 ? random.below(8192) : random.below(6))
    fragment.more = random.below(3) > 0
    for _ in 0..<max(0, random.below(5) - 2) {
      let all = [SampleFragment.hopByHop, SampleFragment.encapsulationLimit, SampleFragment.routing]
      fragment.headers.append(all[random.below(3)])
    }
    fragment.data = [UInt8](
      repeating: UInt8(random.below(2)), count: 8 * random.below(12) + (random.below(9) == 0 ? 3 : 0))
    var octets = whole ? fragment.packet(fragment.data) : fragment.octets
    if random.below(4) == 0 {
      for _ in 0...random.below(3) { octets[random.below(octets.count)] = UInt8(truncatingIfNeeded: random.next()) }
    }
    if random.below(10) == 0 { octets.removeLast(random.below(octets.count)) }
    return octets
  }

  /// Mostly a little later, sometimes much, sometimes earlier: clocks of callers are not to be trusted either.
  private static func time(after clock: UInt64, _ random: inout SplitMix) -> UInt64 {
    switch random.below(2000) {
    case 0: clock + 61_000_000_000
    case 1: clock / 2
    case 2..<100: clock + UInt64(random.below(5_000_000_000))
    default: clock + UInt64(random.below(1000))
    }
  }
}
