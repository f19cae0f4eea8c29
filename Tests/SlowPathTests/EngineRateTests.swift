import FastPath
import FlowTable
import SlowPath
import Testing

/// The rate limit against a model that counts in fractions (RFC 4443 section 2.4 (f)).
@Suite struct EngineRateTests {
  private static let packet = EnginePackets.ipv6(
    EnginePackets.correspondent, EnginePackets.mobileNode, next: 17, hops: 1, [UInt8](repeating: 1, count: 40))

  private static func answers(_ engine: inout SlowPathEngine, _ kind: ExceptionKind, at now: UInt64) -> Bool {
    var out: [OriginatedPacket] = []
    engine.handle(
      ExceptionPacket(kind: kind, port: 0, tunnel: TunnelID(0), detail: 1400, octets: packet), now: now, into: &out)
    return !out.isEmpty
  }

  private static func engine(rate: Int, burst: Int) -> SlowPathEngine {
    let router = [IPAddress(text: EnginePackets.anchor)].compactMap(\.self)
    return SlowPathEngine(
      settings: SlowPathSettings(routerAddresses: router, localAddresses: router, rate: rate, burst: burst))
  }

  @Test func aTokenBucketAtAnyRate() {
    let seed = seedFromEnvironment()
    print("engine rate: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter EngineRate")
    var random = SplitMix(state: seed)
    for _ in 0..<200 {
      let (rate, burst) = (random.below(40), random.below(30))
      var engine = Self.engine(rate: rate, burst: burst)
      // In tokens of 1/8: times are multiples of 125 ms, so that eighths are exact.
      var credit = burst * 8
      var now: UInt64 = 1_700_000_000_000_000_000
      for _ in 0..<200 {
        let eighths = random.below(4) == 0 ? random.below(12) : 0
        now += UInt64(eighths) * 125_000_000
        credit = min(burst * 8, credit + eighths * rate)
        let isAllowed = credit >= 8
        if isAllowed { credit -= 8 }
        let isAnswered = Self.answers(&engine, .timeExceeded, at: now)
        #expect(isAnswered == isAllowed, "seed \(seed), rate \(rate), burst \(burst)")
        if isAnswered != isAllowed { return }
      }
    }
  }

  @Test func aClockThatStandsStillOrJumpsBackEarnsNothing() {
    var engine = Self.engine(rate: 10, burst: 1)
    #expect(Self.answers(&engine, .timeExceeded, at: 10_000_000_000))
    #expect(!Self.answers(&engine, .timeExceeded, at: 0))
    #expect(!Self.answers(&engine, .timeExceeded, at: 10_000_000_000))
    #expect(!Self.answers(&engine, .timeExceeded, at: 10_099_999_999))
    #expect(Self.answers(&engine, .timeExceeded, at: 10_100_000_000))
    #expect(Self.answers(&engine, .timeExceeded, at: .max))
  }

  @Test func packetTooBigHasItsOwn() {
    var engine = Self.engine(rate: 0, burst: 2)
    #expect((0..<3).map { _ in Self.answers(&engine, .timeExceeded, at: 1) } == [true, true, false])
    #expect((0..<3).map { _ in Self.answers(&engine, .packetTooBig, at: 1) } == [true, true, false])
    #expect(engine.counters.rateLimited == 2)
  }
}
