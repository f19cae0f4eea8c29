import FastPath
import SlowPath
import Testing

private let second: UInt64 = 1_000_000_000

/// One case for each sentence of RFC 8200 section 4.5, RFC 5722, RFC 6946, RFC 7112 and RFC 3168 section 5.3 about
/// fragments that come in.
@Suite struct ReassemblyRuleTests {
  private let inner = sampleInnerPacket(240)
  private var sample = SampleFragment()

  /// Octets `range` of `inner`, as a fragment of `sample`.
  private func piece(_ range: Range<Int>, of base: SampleFragment? = nil, more: Bool? = nil) -> [UInt8] {
    var fragment = base ?? sample
    fragment.offset = range.lowerBound
    fragment.more = more ?? (range.upperBound < inner.count)
    fragment.data = Array(inner[range])
    return fragment.octets
  }

  private func octets(_ outcome: ReassemblyOutcome) -> [UInt8]? {
    if case .complete(let packet) = outcome { packet.octets } else { nil }
  }

  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2], [2, 0, 1], [0, 2, 1]])
  func fragmentsInAnyOrderMakeTheirPacket(_ order: [Int]) {
    let pieces = [piece(0..<80), piece(80..<200), piece(200..<240)]
    var reassembler = Reassembler()
    #expect(reassembler.add(pieces[order[0]], now: 0, token: 10) == .held)
    #expect(reassembler.add(pieces[order[1]], now: 1, token: 11) == .held)
    let outcome = reassembler.add(pieces[order[2]], now: 2, token: 12)
    guard case .complete(let packet) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(packet.octets == sample.packet(inner))
    #expect(packet.tokens == [10, 11, 12])
    #expect(reassembler.count == 0 && reassembler.octets == 0 && reassembler.nextExpiry == nil)
    #expect(reassembler.expire(now: 100 * second).isEmpty)
  }

  @Test func sourceDestinationAndIdentificationTellPacketsApart() {
    var others = [sample, sample, sample]
    others[0].source = 9
    others[1].destination = 9
    others[2].identification ^= 1
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80), now: 0) == .held)
    for other in others { #expect(reassembler.add(piece(80..<240, of: other), now: 0) == .held) }
    #expect(reassembler.count == 4)
    for other in others {
      #expect(octets(reassembler.add(piece(0..<80, of: other), now: 0)) == other.packet(inner))
    }
    #expect(octets(reassembler.add(piece(80..<240), now: 0)) == sample.packet(inner))
  }

  /// R8200-2: peers put the destination options in front of the Fragment header or behind it.
  @Test func destinationOptionsStandBeforeOrBehindTheFragmentHeader() {
    var before = sample
    before.headers = [SampleFragment.encapsulationLimit]
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80, of: before), now: 0) == .held)
    let whole = octets(reassembler.add(piece(80..<240, of: before), now: 0))
    #expect(whole == before.packet(inner))
    #expect(whole.map { Array($0[40..<48]) } == [41, 0, 4, 1, 4, 1, 1, 0])

    var behind = sample
    behind.nextHeader = 60
    let body: [UInt8] = [41, 0, 4, 1, 4, 1, 1, 0] + inner
    behind.data = Array(body[..<104])
    behind.more = true
    #expect(reassembler.add(behind.octets, now: 0) == .held)
    (behind.data, behind.offset, behind.more) = (Array(body[104...]), 104, false)
    let same = octets(reassembler.add(behind.octets, now: 0))
    #expect(same == behind.packet(body))
    #expect(same == whole)
  }

  @Test func allHeadersInFrontOfTheFragmentHeaderStay() {
    var chain = sample
    chain.headers = [SampleFragment.hopByHop, SampleFragment.encapsulationLimit, SampleFragment.routing]
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<240, of: chain), now: 0) == .held)
    #expect(octets(reassembler.add(piece(0..<80, of: chain), now: 0)) == chain.packet(inner))
  }

  /// RFC 8200: number and content of the headers, and the Next Header, may differ; the first fragment's are used.
  @Test func headersAreThoseOfTheFirstFragment() {
    var later = sample
    later.headers = [SampleFragment.encapsulationLimit]
    later.hopLimit = 7
    later.nextHeader = 17
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<240, of: later), now: 0) == .held)
    #expect(octets(reassembler.add(piece(0..<80), now: 0)) == sample.packet(inner))
  }

  @Test func paddingBehindThePayloadLengthIsNotPartOfThePacket() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<232) + [1, 2, 3], now: 0) == .held)
    #expect(octets(reassembler.add(piece(232..<240) + [9, 9], now: 0)) == sample.packet(inner))
  }

  @Test func aWholePacketWithAFragmentHeaderIsProcessedAlone() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80), now: 0, token: 1) == .held)
    guard case .complete(let alone) = reassembler.add(piece(0..<240), now: 0, token: 2) else {
      Issue.record("an atomic fragment waits")
      return
    }
    #expect(alone.octets == sample.packet(inner) && alone.tokens == [2])
    #expect(octets(reassembler.add(piece(80..<240), now: 0)) == sample.packet(inner))
    var chain = sample
    chain.headers = [SampleFragment.hopByHop, SampleFragment.encapsulationLimit]
    #expect(octets(reassembler.add(piece(0..<240, of: chain) + [0, 0], now: 0)) == chain.packet(inner))
  }

  @Test func anExactDuplicateChangesNothing() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<240), now: 0, token: 1) == .held)
    #expect(reassembler.add(piece(80..<240), now: 0, token: 2) == .held)
    #expect(reassembler.add(piece(0..<40), now: 0, token: 3) == .held)
    #expect(reassembler.add(piece(0..<40), now: 0, token: 4) == .held)
    guard case .complete(let packet) = reassembler.add(piece(40..<80), now: 0, token: 5) else {
      Issue.record("not complete")
      return
    }
    #expect(packet.octets == sample.packet(inner))
    #expect(packet.tokens == [1, 2, 3, 4, 5])
    #expect(reassembler.octets == 0)
  }

  /// Each a second fragment that shares an octet with the first (80..<160, more to come), or contradicts it.
  @Test(arguments: [
    (72..<88, true), (152..<168, true), (88..<96, true), (72..<168, true), (80..<88, true), (80..<168, true),
    (80..<160, false), (0..<240, true), (8..<80, false),
  ])
  func anOverlapGivesUpThePacketAndWhatComesLater(_ range: Range<Int>, _ more: Bool) {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<160), now: 0, token: 1) == .held)
    let second = piece(range, more: more)
    #expect(reassembler.add(second, now: 1, token: 2) == .dropped(.reassemblyOverlap, answer: nil))
    #expect(
      reassembler.expire(now: 2) == [ExpiredReassembly(reason: .reassemblyOverlap, tokens: [1], firstFragment: nil)])
    for later in [piece(0..<80), piece(80..<160), piece(160..<240)] {
      #expect(reassembler.add(later, now: 3) == .dropped(.reassemblyOverlap, answer: nil))
    }
    // After the packet's time its identification is free again; nothing more is said about it, not even an answer.
    #expect(reassembler.nextExpiry == 60_000_000_000)
    #expect(reassembler.expire(now: 60_000_000_000).isEmpty)
    #expect(reassembler.count == 0 && reassembler.octets == 0)
    #expect(reassembler.add(piece(0..<80), now: 60_000_000_001) == .held)
    #expect(octets(reassembler.add(piece(80..<240), now: 60_000_000_001)) == sample.packet(inner))
  }

  @Test func theSamePlaceWithOtherOctetsIsAnOverlap() {
    var other = sample
    other.offset = 80
    other.more = true
    other.data = inner[80..<160].map { $0 ^ 1 }
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<160), now: 0) == .held)
    #expect(reassembler.add(other.octets, now: 0) == .dropped(.reassemblyOverlap, answer: nil))
  }

  @Test func nothingLiesBehindTheLastFragment() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<160, more: false), now: 0) == .held)
    #expect(reassembler.add(piece(160..<240), now: 0) == .dropped(.reassemblyOverlap, answer: nil))
    var reversed = Reassembler()
    #expect(reversed.add(piece(160..<240, more: true), now: 0) == .held)
    #expect(reversed.add(piece(80..<160, more: false), now: 0) == .dropped(.reassemblyOverlap, answer: nil))
  }

  @Test func thereIsOneLastFragment() {
    for (one, other) in [(80..<160, 160..<240), (160..<240, 80..<160)] {
      var reassembler = Reassembler()
      #expect(reassembler.add(piece(one, more: false), now: 0) == .held)
      #expect(reassembler.add(piece(other, more: false), now: 0) == .dropped(.reassemblyOverlap, answer: nil))
    }
  }

  @Test func timeRunsFromTheFirstArrivalAndIsNotExtended() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80), now: 5 * second, token: 1) == .held)
    #expect(reassembler.nextExpiry == 65 * second)
    #expect(reassembler.add(piece(80..<160), now: 64 * second, token: 2) == .held)
    #expect(reassembler.expire(now: 65 * second - 1).isEmpty)
    #expect(
      reassembler.expire(now: 65 * second) == [
        ExpiredReassembly(reason: .reassemblyTimeout, tokens: [1, 2], firstFragment: piece(0..<80))
      ])
    #expect(reassembler.nextExpiry == nil && reassembler.octets == 0)
    #expect(reassembler.add(piece(160..<240), now: 65 * second) == .held)
    #expect(reassembler.nextExpiry == 125 * second)
  }

  @Test func aClockThatGoesBackStandsStill() {
    var other = sample
    other.identification = 7
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80), now: 10 * second, token: 1) == .held)
    #expect(reassembler.add(piece(0..<80, of: other), now: 3 * second, token: 2) == .held)
    #expect(reassembler.expire(now: 70 * second - 1).isEmpty)
    #expect(reassembler.expire(now: 70 * second).map(\.tokens) == [[1], [2]])
    // The later packet's time runs from the clock that stood still.
    #expect(reassembler.add(piece(0..<80), now: 80 * second) == .held)
    #expect(reassembler.add(piece(0..<80, of: other), now: 75 * second) == .held)
    #expect(octets(reassembler.add(piece(80..<240), now: 0)) == sample.packet(inner))
    #expect(reassembler.nextExpiry == 140 * second)
    #expect(reassembler.expire(now: 140 * second).count == 1)
    // Nor can a deadline lie behind the clock's end.
    #expect(reassembler.add(piece(0..<80), now: .max - 1, token: 3) == .held)
    #expect(reassembler.nextExpiry == .max)
    #expect(reassembler.expire(now: .max).map(\.tokens) == [[3]])
  }

  /// Time Exceeded (3,1) is sent only if the fragment with offset 0 has come, and quotes it as it arrived.
  @Test func onlyATimeoutWithTheFirstFragmentHasAnAnswer() {
    var chain = sample
    chain.headers = [SampleFragment.encapsulationLimit]
    chain.identification = 7
    chain.congestion = 3
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(80..<160), now: 0, token: 1) == .held)
    #expect(reassembler.add(piece(80..<160, of: chain), now: 0, token: 2) == .held)
    #expect(reassembler.add(piece(0..<80, of: chain) + [0xee], now: 1, token: 3) == .held)
    let ended = reassembler.expire(now: 60 * second)
    #expect(ended.map(\.reason) == [.reassemblyTimeout, .reassemblyTimeout])
    #expect(ended.map(\.tokens) == [[1], [2, 3]])
    #expect(ended.map(\.firstFragment) == [nil, piece(0..<80, of: chain)])
  }

  @Test func aFragmentAfterItsPacketsTimeBeginsAnew() {
    var reassembler = Reassembler()
    #expect(reassembler.add(piece(0..<80), now: 0, token: 1) == .held)
    #expect(reassembler.add(piece(80..<240), now: 60 * second, token: 2) == .held)
    #expect(reassembler.expire(now: 60 * second).map(\.tokens) == [[1]])
    #expect(reassembler.expire(now: 120 * second).map(\.tokens) == [[2]])
  }

  @Test func aLengthThatIsNoMultipleOfEightIsAProblemAtThePayloadLength() {
    var chain = sample
    chain.headers = [SampleFragment.encapsulationLimit]
    var reassembler = Reassembler()
    for base in [sample, chain] {
      for range in [0..<79, 80..<81, 8..<87] {
        let outcome = reassembler.add(piece(range, of: base, more: true), now: 0)
        guard case .dropped(.malformed, let answer) = outcome else {
          Issue.record("\(range): \(outcome)")
          continue
        }
        #expect(answer?.code == 0 && answer?.pointer == 4)
      }
    }
    #expect(reassembler.count == 0)
    // The fragment alone is discarded.
    #expect(reassembler.add(piece(0..<80), now: 0) == .held)
    guard case .dropped = reassembler.add(piece(80..<87, more: true), now: 0) else {
      Issue.record("taken")
      return
    }
    #expect(octets(reassembler.add(piece(80..<240), now: 0)) == sample.packet(inner))
  }

  @Test(arguments: [(0, UInt32(42)), (1, 50), (3, 82)])
  func aPacketOver65535OctetsIsAProblemAtTheFragmentOffset(_ headers: Int, _ pointer: UInt32) {
    var base = sample
    let chain = [SampleFragment.hopByHop, SampleFragment.encapsulationLimit, SampleFragment.routing]
    base.headers = Array(chain[..<headers])
    let extensions = Int(pointer) - 42
    var reassembler = Reassembler()
    // The greatest length that is allowed, in one fragment more than the first one.
    base.offset = (65535 - extensions - 100) / 8 * 8
    base.data = [UInt8](repeating: 1, count: 65535 - extensions - base.offset)
    #expect(reassembler.add(base.octets, now: 0) == .held)
    base.identification += 1
    base.data.append(1)
    guard case .dropped(.reassembledTooBig, let answer) = reassembler.add(base.octets, now: 0) else {
      Issue.record("taken")
      return
    }
    #expect(answer?.code == 0 && answer?.pointer == pointer)
    #expect(reassembler.count == 1)
  }

  /// The headers in front are the first fragment's: their length counts whichever comes last.
  @Test func theFirstFragmentsHeadersCountForTheGreatestLength() {
    var last = sample
    last.offset = 65528
    last.data = [1, 2, 3, 4, 5, 6, 7]
    var first = sample
    first.headers = [SampleFragment.encapsulationLimit]
    var reassembler = Reassembler()
    #expect(reassembler.add(last.octets, now: 0) == .held)
    guard case .dropped(.reassembledTooBig, let late) = reassembler.add(piece(0..<80, of: first), now: 0) else {
      Issue.record("taken")
      return
    }
    #expect(late?.code == 0 && late?.pointer == 50)
    var reversed = Reassembler()
    #expect(reversed.add(piece(0..<80, of: first), now: 0) == .held)
    guard case .dropped(.reassembledTooBig, let early) = reversed.add(last.octets, now: 0) else {
      Issue.record("taken")
      return
    }
    #expect(early?.code == 0 && early?.pointer == 42)
  }

  @Test func theGreatestPacketOfAllIsReassembled() {
    let body = sampleInnerPacket(65535)
    var reassembler = Reassembler(limits: ReassemblyLimits(fragmentsPerPacket: 60))
    var base = sample
    for start in stride(from: 0, to: 65535, by: 1232) {
      let end = min(start + 1232, 65535)
      (base.offset, base.more, base.data) = (start, end < 65535, Array(body[start..<end]))
      let outcome = reassembler.add(base.octets, now: 0)
      if base.more { #expect(outcome == .held) } else { #expect(octets(outcome) == base.packet(body)) }
    }
  }
}
