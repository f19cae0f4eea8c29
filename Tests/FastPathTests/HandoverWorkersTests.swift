import FastPath
import FlowTable
import Testing

/// Two workers: a flow in handover comes under two outer headers, and the NIC's hash may part them (S-59, RX-8).
@Suite struct HandoverWorkersTests {
  private static let anchor = SamplePackets.anchor
  private static let gateway2 = SamplePackets.gateway2
  private static let ms = MobilityDomain.millisecond

  private static func down(_ number: Int) -> [UInt8] {
    MobilityDomain.inner(from: SamplePackets.correspondent, to: SamplePackets.mobileNode1, UInt8(number))
  }

  /// The number of an inner packet that went to an access link or into a tunnel.
  private static func number(_ packet: [UInt8]) -> Int { Int(packet[packet.count - 4]) }

  /// What the previous gateway sent is held by worker 0; the anchor's newer packets come to worker 1, and go behind until
  /// the last held one has left, then straight to the link.
  @Test func newerPacketsOfAnotherWorkerGoBehind() throws {
    let domain = try MobilityDomain(workers: 2)
    let holding = try #require(domain.table.handoverLedger.open())
    try domain.set(try domain.node1(.buffering, peer: domain.peer, holding: holding))
    for number in 0..<20 {
      #expect(domain.arrive(from: Self.gateway2, Self.down(number), now: UInt64(number) * 10 * Self.ms).fate == .held)
    }
    try domain.set(try domain.node1(.flushing, peer: domain.peer, holding: holding))
    var sent: [Int] = []
    var direct = 0
    for step in 0..<160 {
      let now = UInt64(200 + 10 * step) * Self.ms
      sent += domain.plane.serve(now: now).compactMap(\.outcome.only).map { Self.number($0.packet) }
      let outcome = domain.arrive(from: Self.anchor, Self.down(20 + step), now: now, worker: 1)
      if outcome.fate == .transmitted { direct += 1 }
      sent += outcome.sent.map { Self.number(Array($0.frame)) }
      #expect(domain.table.handoverLedger.held(holding) == 20 + step + 1 - sent.count)
    }
    sent += domain.plane.serve(now: 10_000 * Self.ms).compactMap(\.outcome.only).map { Self.number($0.packet) }
    #expect(sent == Array(0..<180))
    #expect(direct > 10, "worker 1 delivers itself again when nothing is held")
    #expect(domain.table.handoverLedger.heldTotal == 0)
    domain.expectInvariant()
  }

  /// A packet on its way to worker 0 is held: it counts against both limits, whoever receives the next one.
  @Test func limitsHoldOverWorkers() throws {
    let domain = try MobilityDomain(buffers: HandoverLimits(perMobileNode: 4, total: 5), workers: 2)
    let holding = try #require(domain.table.handoverLedger.open())
    try domain.set(try domain.node1(.buffering, holding: holding), try domain.node2(.buffering))
    for number in 0..<4 {
      #expect(domain.arrive(from: Self.anchor, Self.down(number), worker: number % 2).fate == .held)
    }
    for worker in [1, 0] {
      let refused = domain.arrive(from: Self.anchor, Self.down(9), worker: worker)
      #expect(refused.fate == .dropped(.bufferFull) && refused.exceptions.map(\.kind) == [.bufferOverflow])
    }
    let other = MobilityDomain.inner(from: SamplePackets.correspondent, to: SamplePackets.mobileNode2)
    #expect(domain.arrive(from: Self.anchor, other, worker: 1).fate == .held)
    #expect(domain.arrive(from: Self.anchor, other, worker: 1).fate == .dropped(.bufferFull))
    #expect(domain.table.handoverLedger.held(holding) == 4 && domain.table.handoverLedger.heldTotal == 5)
    domain.expectInvariant()
    try domain.set(try domain.node1(.flushing, holding: holding))
    let served = domain.plane.serve(now: 1).compactMap(\.outcome.only).map { Self.number($0.packet) }
    #expect(served == [0, 1, 2, 3] && domain.table.handoverLedger.heldTotal == 1)
    domain.expectInvariant()
  }

  /// The ring to worker 0 is full: dropped like any packet for which there is no room, and not counted as held.
  @Test func fullRing() throws {
    let domain = try MobilityDomain(workers: 2, ringSlots: 2)
    let holding = try #require(domain.table.handoverLedger.open())
    try domain.set(try domain.node1(.buffering, holding: holding))
    let fates = (0..<3).map { domain.arrive(from: Self.anchor, Self.down($0), worker: 1).fate }
    #expect(fates == [.held, .held, .dropped(.bufferFull)])
    #expect(domain.table.handoverLedger.held(holding) == 2)
    #expect(domain.plane.nextDeadline == 0)
    #expect(domain.plane.serve(now: 0).isEmpty)
    #expect(domain.arrive(from: Self.anchor, Self.down(3), worker: 1).fate == .held)
    domain.expectInvariant()
  }

  /// The tables change while packets are on their way: worker 0 goes by what is true when it takes them.
  @Test(arguments: [BindingState.active, .pending, nil])
  func cancelledOnTheWay(_ state: BindingState?) throws {
    let domain = try MobilityDomain(workers: 2)
    let holding = try #require(domain.table.handoverLedger.open())
    try domain.set(try domain.node1(.buffering, holding: holding))
    for number in 0..<3 { #expect(domain.arrive(from: Self.anchor, Self.down(number), worker: 1).fate == .held) }
    if let state {
      try domain.set(try domain.node1(state))
    } else {
      try domain.writer.apply([.remove(try domain.node1().key)])
    }
    #expect(domain.plane.serve(now: 1).allSatisfy { $0.outcome.fate == .dropped(.bufferCancelled) })
    #expect(domain.plane.counters.drops(.bufferCancelled) == 3 && domain.plane.nextDeadline == nil)
    #expect(domain.table.handoverLedger.heldTotal == 0)
    domain.expectInvariant()
  }

  /// Random states of one handover after the other, packets of both tunnels on three workers: whatever is sent is sent in
  /// the order in which it came, the limits hold, and nothing is lost from the counts.
  @Test(arguments: 0..<20)
  func orderAndLimitsAtRandom(_ round: Int) throws {
    let seed = testSeed("orderAndLimitsAtRandom") &+ UInt64(round)
    var generator = SeededGenerator(seed: seed)
    let limit = 8 + generator.below(40)
    let domain = try MobilityDomain(buffers: HandoverLimits(perMobileNode: limit, total: 64), workers: 3)
    let ledger = domain.table.handoverLedger
    let holding = try #require(ledger.open())
    var now: UInt64 = 1
    var serial = 0
    var sent: [Int] = []
    var state = (BindingState.buffering, false)
    func note(_ outcome: OfflinePlane.Outcome) { sent += outcome.sent.map { Self.serial($0.frame) } }
    for _ in 0..<1500 {
      switch generator.below(16) {
      case 0:
        let states: [(BindingState, Bool)] = [
          (.buffering, false), (.flushing, false), (.relaying, false), (.redirecting, false), (.active, true),
        ]
        state = states[generator.below(5)]
        try domain.set(
          try domain.node1(state.0, peer: domain.peer, isFlushed: state.1, holding: holding))
      case 1..<4: now += UInt64(generator.below(40)) * Self.ms
      case 4..<6: for served in domain.plane.serve(now: now) { note(served.outcome) }
      default:
        serial += 1
        now += 1
        let inner = SamplePackets.ipv6(
          source: SamplePackets.correspondent, destination: SamplePackets.mobileNode1, next: 253, hopLimit: 64,
          [UInt8(serial >> 8), UInt8(serial & 255), 2, 3])
        // A gateway that redirects does not hear its peer.
        let source = state.0 == .redirecting || generator.oneIn(2) ? Self.anchor : Self.gateway2
        note(domain.arrive(from: source, inner, now: now, worker: generator.below(3)))
        try #require(ledger.held(holding) <= limit, "seed \(seed)")
      }
    }
    try domain.set(try domain.node1(.flushing, peer: domain.peer, holding: holding))
    while let deadline = domain.plane.nextDeadline {
      now = max(now, deadline)
      for served in domain.plane.serve(now: now) { note(served.outcome) }
    }
    #expect(zip(sent, sent.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
    #expect(sent.count > 100 && ledger.heldTotal == 0, "seed \(seed)")
    domain.expectInvariant()
  }

  private static func serial(_ frame: [UInt8]) -> Int {
    Int(frame[frame.count - 4]) << 8 | Int(frame[frame.count - 3])
  }
}
