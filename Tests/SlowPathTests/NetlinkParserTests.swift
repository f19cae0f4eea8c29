import FlowTable
import SlowPath
import Testing

/// The decoder is total: any octets give notices or nothing. A trap would end the test process.
@Suite struct NetlinkParserTests {
  /// Seed of this run; set FASTPATH_SEED to repeat one.
  private static let seed = seedFromEnvironment()
  private static let rerun = "FASTPATH_SEED=\(seed) swift test -c release --filter NetlinkParserTests"

  private func notices(_ octets: [UInt8]) -> [KernelNotice] {
    NetlinkMessages(NetlinkOctets(octets[...])).compactMap(KernelNotice.init)
  }

  @Test func randomOctetsNeverTrap() {
    print("seed \(Self.seed); re-run: \(Self.rerun)")
    var random = SplitMix(state: Self.seed)
    for _ in 0..<200_000 {
      let octets = (0..<random.below(160)).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = notices(octets)
    }
  }

  /// Well-formed headers around random attributes, so that the fuzz gets past the outer length checks: a random octet
  /// string alone is almost never a message of a known type.
  @Test func plausibleMessagesWithHostileAttributesNeverTrap() {
    print("seed \(Self.seed); re-run: \(Self.rerun)")
    var random = SplitMix(state: Self.seed &+ 1)
    var read = 0
    for _ in 0..<300_000 { read += notices(plausibleMessage(&random)).count }
    #expect(read > 30_000, "too few of the messages were readable to say anything: \(read) (\(Self.rerun))")
  }

  /// Every prefix of real messages, every single octet of them changed to extremes.
  @Test func truncatedAndDamagedMessagesNeverTrap() {
    for message in Self.recorded {
      #expect(notices(message).count == 1)
      for length in 0..<message.count { _ = notices(Array(message[..<length])) }
      for index in message.indices {
        for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
          var damaged = message
          damaged[index] = value
          _ = notices(damaged)
        }
      }
    }
  }

  @Test(arguments: 0..<16) func aHeaderThatIsShortOrLiesIsMalformed(_ length: Int) {
    var messages = NetlinkMessages(NetlinkOctets([UInt8](repeating: UInt8(length), count: 16)[..<max(length, 1)]))
    #expect(messages.next() == nil)
    #expect(messages.isMalformed)
  }

  /// The pools' routes into the TUN device lead to the plane itself: it must not follow them.
  @Test func aRouteOfThisProgramIsNotMirrored() {
    for type in [24, 25] as [UInt8] {
      for (maker, count) in [(3, 1), (201, 0)] as [(UInt8, Int)] {
        let destination = Self.attribute(1, [0x20, 1, 0x0d, 0xb8, 1, 0] + Self.zeros(10))
        let message = Self.message(
          type, [10, 48, 0, 0, 254, maker, 0, 1, 0, 0, 0, 0] + destination + Self.attribute(4, [9, 0, 0, 0]))
        #expect(notices(message).count == count)
      }
    }
  }

  /// Laid out by hand after linux/rtnetlink.h: one message of each kind,
  /// so that the damage test starts from something that is read.
  static let recorded: [[UInt8]] = [
    // RTM_NEWROUTE 2001:db8:10::/48 via fe80::1 dev 3, table main, metric 1024.
    message(
      24,
      [10, 48, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]
        + attribute(1, [0x20, 1, 0x0d, 0xb8, 0, 0x10] + zeros(10)) + attribute(6, [0, 4, 0, 0])
        + attribute(5, [0xfe, 0x80] + zeros(13) + [1]) + attribute(4, [3, 0, 0, 0])),
    // The same with RTA_MULTIPATH of two next hops.
    message(
      24,
      [2, 16, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]
        + attribute(1, [10, 6, 0, 0])
        + attribute(
          9,
          [16, 0, 0, 0, 3, 0, 0, 0] + attribute(5, [192, 0, 2, 9]) + [16, 0, 0, 0, 4, 0, 0, 0]
            + attribute(5, [198, 51, 100, 9]))),
    // RTM_NEWNEIGH 192.0.2.7 lladdr 02:00:00:00:00:07 REACHABLE.
    message(
      28, [2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 1] + attribute(1, [192, 0, 2, 7]) + attribute(2, [2, 0, 0, 0, 0, 7])),
    // RTM_NEWLINK 3 "fpa", up and running.
    message(
      16,
      [0, 0, 1, 0, 3, 0, 0, 0, 0x41, 0, 1, 0] + zeros(4)
        + attribute(3, [0x66, 0x70, 0x61, 0]) + attribute(4, [0xdc, 5, 0, 0]) + attribute(1, [2, 0, 0, 0, 0, 1])),
  ]

  static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  static func message(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    [UInt8(16 + body.count), 0, 0, 0, type, 0, 0, 0] + zeros(8) + body
  }

  static func attribute(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [UInt8(4 + payload.count), 0, type, 0] + payload + zeros((4 - payload.count % 4) % 4)
  }

  private func plausibleMessage(_ random: inout SplitMix) -> [UInt8] {
    let type = ([16, 17, 20, 21, 24, 25, 28, 29] as [UInt8])[random.below(8)]
    let family = ([0, 2, 10, 7] as [UInt8])[random.below(4)]
    var body = (0..<[12, 16, 8][random.below(3)]).map { _ in UInt8(random.below(4) == 0 ? random.below(256) : 0) }
    body[0] = family
    if body.count > 7 { (body[4], body[7]) = (254, UInt8(random.below(12))) }
    for _ in 0..<random.below(6) {
      let length = [0, 1, 4, 6, 8, 16, random.below(40)][random.below(7)]
      var attribute = Self.attribute(
        UInt8(random.below(26)), (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
      // Some attributes lie about their length, in both directions.
      if random.below(5) == 0 { attribute[0] = UInt8(random.below(256)) }
      body += attribute
    }
    return Self.message(type, Array(body.prefix(230)))
  }
}
