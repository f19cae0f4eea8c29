import FastPath
import FlowTable
import Testing

/// The buffer alone, with the owner's clock.
@Suite struct HandoverBufferTests {
  static let millisecond: UInt64 = 1_000_000

  static func table() throws -> FlowTable {
    try FlowTable(limits: FlowTableLimits(bindings: 8, tunnels: 8, nextHops: 8, routes: 8, retired: 8, workers: 1))
  }

  static func key(_ binding: UInt32, prefix: UInt32? = nil) -> HandoverKey {
    HandoverKey(
      counter: binding, network: IPAddress(ipv6High: UInt64(prefix ?? binding), low: 0), prefixLength: 64)
  }

  /// A packet of four octets that say its number, for the binding with this counter.
  static func hold(
    _ buffer: inout HandoverBuffer, _ number: UInt32, binding: UInt32 = 1, prefix: UInt32? = nil, _ holding: HoldingID?,
    now: UInt64
  ) -> UInt32 {
    let arrival = HandoverBuffer.Arrival(
      binding: key(binding, prefix: prefix), holding: holding, tunnel: TunnelID(binding), port: UInt8(binding & 7),
      length: 4, generation: 1)
    // The octets of a local variable, for the time of the call.
    return unsafe withUnsafeBytes(of: number) { unsafe buffer.hold(arrival, octets: $0.baseAddress!, now: now) }
  }

  /// Everything that is due by `now`: which packet, and what became of it.
  static func serve(_ buffer: inout HandoverBuffer, now: UInt64) -> [(binding: UInt32, fate: HandoverModel.Fate)] {
    var served: [(binding: UInt32, fate: HandoverModel.Fate)] = []
    while let queue = due(&buffer, now: now) {
      let binding = buffer.binding(of: queue).counter
      let event = buffer.takeFirst(queue, now: now)
      // The slot is valid until the next packet is held.
      let number = unsafe buffer.octets(event.slot).loadUnaligned(as: UInt32.self)
      served.append((binding, HandoverModel.Fate(number: number, kind: event.kind)))
    }
    return served
  }

  /// The queue that has something to do; what it is to do is always known.
  static func due(_ buffer: inout HandoverBuffer, now: UInt64) -> UInt32? {
    var checks = 1
    switch buffer.next(now: now, generation: 0, checks: &checks) {
    case .nothing: return nil
    case .check(let queue), .serve(let queue): return queue
    }
  }

  /// Lets a drain run to its end: when each packet left.
  static func drain(_ buffer: inout HandoverBuffer, until end: UInt64) -> [(number: UInt32, at: UInt64)] {
    var left: [(number: UInt32, at: UInt64)] = []
    while let deadline = buffer.nextDeadline, deadline <= end {
      for (_, fate) in serve(&buffer, now: deadline) where fate.kind == .release {
        left.append((fate.number, deadline))
      }
    }
    return left
  }

  /// R5568-1: fifty packets at 100 a second; five at once, the others about 10 ms apart.
  @Test func drainIsPacedAtTheRateOfArrival() throws {
    let table = try Self.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    let ms = Self.millisecond
    for number in 0..<50 {
      #expect(Self.hold(&buffer, UInt32(number), nil, now: UInt64(number) * 10 * ms) != 0)
    }
    let start = 600 * ms
    let early = Self.due(&buffer, now: start)
    #expect(early == nil)
    buffer.setMode(buffer.queue(of: Self.key(1)), .draining, generation: 2, now: start)
    let left = Self.drain(&buffer, until: .max - 1)
    #expect(left.map(\.number) == (0..<50).map { UInt32($0) })
    for (position, packet) in left.enumerated() {
      #expect(packet.at == start + UInt64(max(0, position - 4)) * 10 * ms)
    }
    let isEmpty = buffer.isEmpty
    #expect(isEmpty && table.handoverLedger.heldTotal == 0)
  }

  /// What arrives meanwhile goes behind what is held, and yet the drain ends: first at the old rate, then at twice.
  @Test(arguments: [10, 5, 1])
  func drainEndsAlthoughOthersJoin(_ distance: UInt64) throws {
    let table = try Self.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    let ms = Self.millisecond
    for number in 0..<40 { _ = Self.hold(&buffer, UInt32(number), nil, now: UInt64(number) * 10 * ms) }
    let start = 400 * ms
    buffer.setMode(buffer.queue(of: Self.key(1)), .draining, generation: 2, now: start)
    var left: [(number: UInt32, at: UInt64)] = []
    var next: UInt32 = 40
    var now = start
    while buffer.isHolding(Self.key(1)) && now < start + 20_000 * ms {
      left += Self.drain(&buffer, until: now)
      if buffer.isHolding(Self.key(1)) {
        #expect(Self.hold(&buffer, next, nil, now: now) != 0)
        next += 1
      }
      now += distance * ms
    }
    let isHolding = buffer.isHolding(Self.key(1))
    #expect(!isHolding && next > 60)
    #expect(left.map(\.number) == (0..<next).map { $0 })
    #expect(zip(left, left.dropFirst()).allSatisfy { $0.at <= $1.at })
  }

  @Test func ageIsBounded() throws {
    let table = try Self.table()
    let limits = HandoverLimits(perMobileNode: 8, total: 8, timeout: 100)
    var buffer = try HandoverBuffer(limits: limits, payload: 64, accounts: table.handoverLedger.accounts)
    for number in 0..<8 { _ = Self.hold(&buffer, UInt32(number), nil, now: UInt64(number) * 10) }
    let deadline = buffer.nextDeadline
    #expect(deadline == 100)
    #expect(Self.serve(&buffer, now: 99).isEmpty)
    #expect(
      Self.serve(&buffer, now: 125).map(\.fate) == (0..<3).map { HandoverModel.Fate(number: $0, kind: .timeout) })
    buffer.setMode(buffer.queue(of: Self.key(1)), .cancelled, generation: 2, now: 126)
    #expect(Self.serve(&buffer, now: 126).map(\.fate) == (3..<8).map { HandoverModel.Fate(number: $0, kind: .cancel) })
  }

  /// Random packets, states and times for bindings with and without accounts, beside the model.
  @Test(arguments: 0..<40)
  func randomSequencesMatchTheModel(_ round: Int) throws {
    let seed = testSeed("randomSequencesMatchTheModel") &+ UInt64(round)
    var generator = SeededGenerator(seed: seed)
    let table = try Self.table()
    let ledger = table.handoverLedger
    let limits = HandoverLimits(
      perMobileNode: 1 + generator.below(20), total: 20 + generator.below(60),
      timeout: UInt64(50 + generator.below(3000)))
    var buffer = try HandoverBuffer(limits: limits, payload: 64, accounts: ledger.accounts)
    var model = HandoverModel(limits: limits)
    // Two bindings an account, and some without one.
    let accounts = (0..<6).compactMap { _ in ledger.open() }
    let bindings = (0..<20).map { UInt32(1 + $0 * (1 + generator.below(9999))) }
    func account(_ position: Int) -> HoldingID? { position / 2 < accounts.count ? accounts[position / 2] : nil }
    var now: UInt64 = 1
    var released = 0
    for step in 0..<4000 {
      let position = generator.below(bindings.count)
      let binding = bindings[position]
      switch generator.below(12) {
      case 0..<8:
        let slot = Self.hold(&buffer, UInt32(step), binding: binding, account(position), now: now)
        let isTaken = model.hold(binding, UInt32(step), account(position), now: now)
        try #require((slot != 0) == isTaken, "seed \(seed), step \(step)")
      case 8, 9:
        let mode: HandoverMode = generator.oneIn(9) ? .cancelled : generator.oneIn(3) ? .waiting : .draining
        let queue = buffer.queue(of: Self.key(binding))
        try #require((queue != 0) == (model.queues[binding] != nil))
        guard queue != 0 else { break }
        buffer.setMode(queue, mode, generation: UInt64(step), now: now)
        model.setMode(binding, mode, now: now)
      default: now += UInt64(generator.below(generator.oneIn(9) ? 900 : 60))
      }
      let deadline = buffer.nextDeadline
      try #require(deadline == model.nextDeadline, "seed \(seed), step \(step)")
      var served: [UInt32: [HandoverModel.Fate]] = [:]
      for (binding, fate) in Self.serve(&buffer, now: now) { served[binding, default: []].append(fate) }
      try #require(served == model.serve(now: now), "seed \(seed), step \(step)")
      released += served.values.reduce(0) { $0 + $1.count { $0.kind == .release } }
      let held = buffer.heldCount
      try #require(held == model.heldCount && ledger.heldTotal == model.heldCount)
      for id in accounts { try #require(ledger.held(id) == model.held(id)) }
    }
    #expect(released > 50)
  }

  /// The tables change while queues come and go: every queue is looked at once a generation, however small the steps.
  @Test func everyQueueIsChecked() throws {
    let table = try Self.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    for binding in 1...300 { _ = Self.hold(&buffer, 0, binding: UInt32(binding), nil, now: 0) }
    let isChecked = buffer.isChecked(7)
    #expect(!isChecked)
    var seen: [UInt32] = []
    var turns = 0
    while !buffer.isChecked(7) {
      var budget = 16
      turns += 1
      while true {
        let queue = buffer.nextToCheck(7, budget: &budget)
        if queue == 0 { break }
        seen.append(buffer.binding(of: queue).counter)
        buffer.setMode(queue, .waiting, generation: 7, now: 1)
      }
    }
    #expect(seen.sorted() == (1...300).map { UInt32($0) })
    #expect(turns >= 300 / 16)
  }
}
