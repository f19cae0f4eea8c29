import FastPath
import SlowPath
import Testing

/// What reassembly may hold, and who loses when it is too much.
@Suite struct ReassemblyLimitTests {
  /// Octets 0..<`length` of a packet in parts that never ends.
  private static func beginning(of source: UInt8, _ identification: UInt32, _ length: Int = 1232) -> [UInt8] {
    var fragment = SampleFragment(source: source, identification: identification, more: true, nextHeader: 253)
    fragment.data = [UInt8](repeating: source, count: length)
    return fragment.octets
  }

  private static func rest(of source: UInt8, _ identification: UInt32, _ offset: Int = 1232) -> [UInt8] {
    SampleFragment(source: source, identification: identification, offset: offset, data: [1, 2, 3]).octets
  }

  private static func completes(_ outcome: ReassemblyOutcome) -> Bool {
    if case .complete = outcome { true } else { false }
  }

  /// No limit of its own keeps the flood back here, only that it holds most.
  @Test func aFloodingSourceLosesItsOwnPacketsAndNobodyElses() {
    var reassembler = Reassembler(limits: ReassemblyLimits(octets: 200_000, octetsPerSource: 200_000))
    for number in 0..<20 as Range<UInt32> {
      #expect(reassembler.add(Self.beginning(of: 1, number), now: 0, token: UInt64(number)) == .held)
    }
    for number in 0..<20_000 as Range<UInt32> {
      #expect(reassembler.add(Self.beginning(of: 9, number), now: 1, token: 1000 + UInt64(number)) == .held)
      for end in reassembler.expire(now: 1) {
        #expect(end.reason == .reassemblyFull && end.firstFragment == nil)
        #expect(end.tokens.allSatisfy { $0 >= 1000 }, "a packet of the quiet source was ended for the flood")
      }
      #expect(reassembler.octets <= 200_000)
    }
    for number in 0..<20 as Range<UInt32> { #expect(Self.completes(reassembler.add(Self.rest(of: 1, number), now: 2))) }
  }

  @Test func manyFloodingSourcesCannotEndAQuietOnesPacketEither() {
    var reassembler = Reassembler(limits: ReassemblyLimits(octets: 400_000, octetsPerSource: 400_000))
    #expect(reassembler.add(Self.beginning(of: 1, 7), now: 0, token: 7) == .held)
    for number in 0..<20_000 as Range<UInt32> {
      _ = reassembler.add(Self.beginning(of: UInt8(100 + number % 100), number), now: 1)
      #expect(reassembler.octets <= 400_000)
    }
    #expect(!reassembler.expire(now: 1).contains { $0.tokens == [7] })
    #expect(Self.completes(reassembler.add(Self.rest(of: 1, 7), now: 2)))
  }

  /// The oldest of its own packets make room: what has just begun is likelier to be completed.
  @Test func aSourceAtItsLimitLosesItsOldestPacket() {
    let one = Self.beginning(of: 1, 0).count + ReassemblyLimits.fragmentCharge + ReassemblyLimits.packetCharge
    var reassembler = Reassembler(limits: ReassemblyLimits(octets: 1 << 20, octetsPerSource: 3 * one))
    for number in 0..<5 as Range<UInt32> {
      #expect(reassembler.add(Self.beginning(of: 1, number), now: 0, token: UInt64(number)) == .held)
    }
    #expect(reassembler.expire(now: 0).map(\.tokens) == [[0], [1]])
    #expect(reassembler.octets == 3 * one)
    // Another source has room of its own, and a fragment that completes its packet needs none.
    #expect(reassembler.add(Self.beginning(of: 2, 0), now: 0) == .held)
    for number in 2..<5 as Range<UInt32> { #expect(Self.completes(reassembler.add(Self.rest(of: 1, number), now: 0))) }
    #expect(reassembler.expire(now: 0).isEmpty)
  }

  @Test func aPacketThatAloneIsTooMuchForItsSourceIsGivenUp() {
    var reassembler = Reassembler(limits: ReassemblyLimits(octets: 1 << 20, octetsPerSource: 3000))
    #expect(reassembler.add(Self.beginning(of: 1, 5), now: 0, token: 1) == .held)
    var fragment = SampleFragment(identification: 5, offset: 1232, more: true)
    fragment.data = [UInt8](repeating: 1, count: 1232)
    #expect(reassembler.add(fragment.octets, now: 0, token: 2) == .dropped(.reassemblyFull, answer: nil))
    #expect(
      reassembler.expire(now: 0) == [ExpiredReassembly(reason: .reassemblyFull, tokens: [1], firstFragment: nil)])
    #expect(reassembler.octets == ReassemblyLimits.packetCharge)
    #expect(reassembler.add(Self.rest(of: 1, 5, 2464), now: 0) == .dropped(.reassemblyFull, answer: nil))
  }

  @Test func onePacketHasABoundedNumberOfFragments() {
    var reassembler = Reassembler()
    var fragment = SampleFragment(more: true, nextHeader: 253, data: [1, 2, 3, 4, 5, 6, 7, 8])
    for number in 0..<64 {
      fragment.offset = 8 * number
      #expect(reassembler.add(fragment.octets, now: 0, token: UInt64(number)) == .held)
    }
    // Duplicates have a bound of their own, and do the packet no harm.
    for number in 64..<128 { #expect(reassembler.add(fragment.octets, now: 0, token: UInt64(number)) == .held) }
    #expect(reassembler.add(fragment.octets, now: 0) == .dropped(.reassemblyFull, answer: nil))
    #expect(reassembler.expire(now: 0).isEmpty)
    fragment.offset = 8 * 64
    #expect(reassembler.add(fragment.octets, now: 0) == .dropped(.reassemblyFull, answer: nil))
    #expect(reassembler.expire(now: 0).map(\.tokens) == [Array(0..<128)])
    #expect(reassembler.octets == ReassemblyLimits.packetCharge)
  }

  @Test func aPacketTooLargeForThePlaneIsGivenUpAtOnce() {
    var reassembler = Reassembler(limits: ReassemblyLimits(largestPacket: 2000))
    #expect(reassembler.add(Self.beginning(of: 1, 5), now: 0, token: 1) == .held)
    let end = SampleFragment(identification: 5, offset: 1952, data: [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(reassembler.add(end.octets, now: 0, token: 2) == .held)
    var other = Reassembler(limits: ReassemblyLimits(largestPacket: 1999))
    #expect(other.add(Self.beginning(of: 1, 5), now: 0, token: 1) == .held)
    #expect(other.add(end.octets, now: 0, token: 2) == .dropped(.reassembledTooBig, answer: nil))
    #expect(
      other.expire(now: 0) == [ExpiredReassembly(reason: .reassembledTooBig, tokens: [1], firstFragment: nil)])
  }

  /// Random sizes from sources of random zeal, some of them completed: whoever is made to go is the oldest packet of the
  /// source that holds most, by sums that are made anew from everything that is held, and only when the limits say so.
  @Test func whoeverIsMadeToGoHoldsMost() {
    let seed = seedFromEnvironment()
    print(
      "reassembly limits: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter Reassembly")
    var random = SplitMix(state: seed)
    var ledger = ReassemblyLedger(limits: ReassemblyLimits(octets: 60_000, octetsPerSource: 35_000))
    var reassembler = Reassembler(limits: ledger.limits)
    for token in 0..<20_000 as Range<UInt64> {
      // Now and then one source sends most, so that its own limit is reached; else many hold a packet or two.
      let zealous = token / 500 % 4 == 0
      let source = UInt8(zealous ? 1 : 1 + random.below(1 + random.below(40)))
      let length = 8 * (1 + random.below(150))
      let octets = Self.beginning(of: source, UInt32(token), length)
      let entry = ReassemblyLedger.Entry(token: token, source: source, length: length, octets: octets.count)
      #expect(reassembler.add(octets, now: token, token: token) == .held)
      for end in reassembler.expire(now: token) {
        if let wrong = ledger.end(end, for: entry) {
          Issue.record("seed \(seed), token \(token): \(wrong)")
          return
        }
      }
      ledger.held.append(entry)
      if random.below(3) == 0 {
        let done = ledger.held.remove(at: random.below(ledger.held.count))
        let last = Self.rest(of: done.source, UInt32(done.token), done.length)
        #expect(Self.completes(reassembler.add(last, now: token)), "seed \(seed), token \(token)")
      }
      #expect(reassembler.octets == ledger.sum { _ in true }, "seed \(seed), token \(token)")
    }
    #expect(ledger.byOwnLimit > 100 && ledger.byTotal > 100 && ledger.ofOthers > 100, "seed \(seed): too tame")
  }
}

/// What is held, in a list in order of arrival, and what the rules say of who has to go.
private struct ReassemblyLedger {
  struct Entry {
    let token: UInt64
    let source: UInt8
    let length: Int
    let octets: Int
    var charge: Int { octets + ReassemblyLimits.fragmentCharge + ReassemblyLimits.packetCharge }
  }

  let limits: ReassemblyLimits
  var held: [Entry] = []
  private(set) var byOwnLimit = 0
  private(set) var byTotal = 0
  private(set) var ofOthers = 0

  init(limits: ReassemblyLimits) { self.limits = limits }

  func sum(_ counts: (Entry) -> Bool) -> Int { held.filter(counts).map(\.charge).reduce(0, +) }

  /// Takes out what was ended to make room for `entry`.
  /// - Returns: the rule it breaks.
  mutating func end(_ end: ExpiredReassembly, for entry: Entry) -> String? {
    guard let place = held.firstIndex(where: { [$0.token] == end.tokens }) else { return "\(end) was not held" }
    let victim = held[place].source
    if held[..<place].contains(where: { $0.source == victim }) { return "it was not the source's oldest" }
    let own = sum { $0.source == entry.source } + entry.charge
    let most =
      Set(held.map(\.source)).subtracting([entry.source]).map { source in sum { $0.source == source } }.max() ?? 0
    if own > limits.octetsPerSource {
      byOwnLimit += 1
      if victim != entry.source { return "its own limit made another source's packet go" }
    } else if sum({ _ in true }) + entry.charge <= limits.octets {
      return "there was room"
    } else if victim == entry.source {
      byTotal += 1
      if own < most { return "another source holds more" }
    } else {
      byTotal += 1
      ofOthers += 1
      if sum({ $0.source == victim }) != most || most <= own { return "the source that had to go does not hold most" }
    }
    held.remove(at: place)
    return nil
  }
}
