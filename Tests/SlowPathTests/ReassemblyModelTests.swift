import FastPath
import SlowPath
import Testing

/// Random fragment sequences through the reassembler and through the slow model: the same outcomes, the same ends.
@Suite struct ReassemblyModelTests {
  @Test func theReassemblerDoesWhatTheModelDoes() {
    let seed = seedFromEnvironment()
    print("reassembly model: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter Reassembly")
    var seen: [String: Int] = [:]
    for round in 0..<40 as Range<UInt64> {
      var run = ModelRun(traffic: FragmentTraffic(seed: seed &+ round), fragmentsPerPacket: round % 4 == 0 ? 8 : 64)
      if let difference = run.play(packets: 150) {
        Issue.record("seed \(seed), round \(round): \(difference)")
        return
      }
      seen.merge(run.seen, uniquingKeysWith: +)
    }
    // Everything that can become of a fragment has happened, or the sequences were too tame to show anything.
    for kind in [
      "held", "complete", "malformed 0 4", "malformed 3 0", "malformed", "reassembly-overlap", "reassembly-full", "ecn",
      "reassembled-too-big 0 42", "reassembled-too-big 0 50", "ended reassembly-timeout",
      "ended reassembly-timeout first", "ended reassembly-overlap", "ended reassembly-full", "ended ecn",
    ] {
      #expect(seen[kind, default: 0] > 0, "seed \(seed): no fragment was ever '\(kind)': \(seen)")
    }
  }
}

/// One sequence of fragments through both.
private struct ModelRun {
  private var traffic: FragmentTraffic
  private var reassembler: Reassembler
  private var model: ReassemblyModel
  /// How often each fate was met.
  private(set) var seen: [String: Int] = [:]
  /// Tokens whose fate has been told.
  private var told: Set<UInt64> = []

  init(traffic: FragmentTraffic, fragmentsPerPacket: Int) {
    self.traffic = traffic
    let limits = ReassemblyLimits(octets: 1 << 30, octetsPerSource: 1 << 30, fragmentsPerPacket: fragmentsPerPacket)
    reassembler = Reassembler(limits: limits)
    model = ReassemblyModel(fragmentsPerPacket: fragmentsPerPacket)
  }

  /// - Returns: the first difference between the two, in words.
  mutating func play(packets: Int) -> String? {
    var now: UInt64 = 0
    let arrivals = traffic.arrivals(packets: packets)
    for (number, arrival) in arrivals.enumerated() {
      now += arrival.pause
      let token = UInt64(number)
      let outcome = reassembler.add(arrival.octets, now: now, token: token)
      let expected = model.add(arrival.octets, now: now, token: token)
      if outcome != expected { return "fragment \(number) at \(now): \(outcome), the model says \(expected)" }
      if let wrong = tell(outcome, token) { return wrong }
      if let wrong = compareEnds(now) { return "after fragment \(number) at \(now): \(wrong)" }
    }
    if let wrong = compareEnds(now + 60_000_000_000) { return "at the end: \(wrong)" }
    if reassembler.count != 0 || reassembler.octets != 0 { return "something is held after everything has ended" }
    return told.count == arrivals.count ? nil : "\(arrivals.count - told.count) fragments had no fate"
  }

  private mutating func compareEnds(_ now: UInt64) -> String? {
    let ended = reassembler.expire(now: now)
    let expected = model.expire(now: now)
    if ended != expected { return "ended \(ended), the model says \(expected)" }
    for end in ended {
      seen["ended \(end.reason.name)\(end.firstFragment == nil ? "" : " first")", default: 0] += 1
      for token in end.tokens where !told.insert(token).inserted { return "token \(token) has two fates" }
    }
    if reassembler.nextExpiry != model.nextDeadline {
      return "next expiry \(String(describing: reassembler.nextExpiry))"
    }
    return reassembler.count == model.count ? nil : "\(reassembler.count) packets, the model has \(model.count)"
  }

  private mutating func tell(_ outcome: ReassemblyOutcome, _ token: UInt64) -> String? {
    switch outcome {
    case .held: seen["held", default: 0] += 1
    case .complete(let packet):
      seen["complete", default: 0] += 1
      guard packet.tokens.last == token else { return "packet completed by another fragment than \(token)" }
      for token in packet.tokens where !told.insert(token).inserted { return "token \(token) has two fates" }
    case .dropped(let reason, let answer):
      seen[reason.name + (answer.map { " \($0.code) \($0.pointer)" } ?? ""), default: 0] += 1
      if !told.insert(token).inserted { return "token \(token) has two fates" }
    }
    return nil
  }
}
