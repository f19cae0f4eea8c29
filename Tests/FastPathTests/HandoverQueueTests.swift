import FastPath
import FlowTable
import Testing

/// Queues whose packets come in bursts, are cancelled, or are due all at once.
@Suite struct HandoverQueueTests {
  private typealias Base = HandoverBufferTests

  /// Arrivals with a pause are far apart on the average: forty at once and one 3 s later wait 75 ms for each other at that
  /// rate, and the last of the forty would be too old. Nothing that is held when the drain begins is lost, and nothing
  /// leaves in a second burst.
  @Test func drainOfUnevenArrivalsLosesNothing() throws {
    let table = try Base.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    let ms = Base.millisecond
    for number in 0..<40 { #expect(Base.hold(&buffer, UInt32(number), nil, now: UInt64(number) * ms / 40) != 0) }
    #expect(Base.hold(&buffer, 40, nil, now: 3000 * ms) != 0)
    let start = 3100 * ms
    buffer.setMode(buffer.queue(of: Base.key(1)), .draining, generation: 2, now: start)
    let left = Base.drain(&buffer, until: 20_000 * ms)
    #expect(left.map(\.number) == (0...40).map { UInt32($0) })
    #expect(left.allSatisfy { $0.at <= 5000 * ms })
    for (one, next) in zip(left[4...], left[5...]) { #expect(next.at - one.at > 20 * ms && next.at - one.at < 75 * ms) }
  }

  /// A queue that is cancelled stays so, whatever its binding does while its packets are being dropped; a new attempt
  /// has a queue of its own.
  @Test func cancelledQueueDoesNotComeBack() throws {
    let table = try Base.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    for number in 0..<40 { _ = Base.hold(&buffer, UInt32(number), nil, now: 1) }
    let cancelled = buffer.queue(of: Base.key(1))
    buffer.setMode(cancelled, .cancelled, generation: 2, now: 2)
    let isHolding = buffer.isHolding(Base.key(1))
    #expect(!isHolding, "nothing has to go behind what is dropped")
    _ = buffer.takeFirst(cancelled, now: 2)
    buffer.setMode(cancelled, .waiting, generation: 3, now: 2)
    #expect(Base.hold(&buffer, 100, nil, now: 3) != 0)
    buffer.setMode(buffer.queue(of: Base.key(1)), .draining, generation: 4, now: 4)
    let fates = Base.serve(&buffer, now: 4).map(\.fate)
    #expect(
      fates == (1..<40).map { HandoverModel.Fate(number: $0, kind: .cancel) }
        + [HandoverModel.Fate(number: 100, kind: .release)])
    let isEmpty = buffer.isEmpty
    #expect(isEmpty && table.handoverLedger.heldTotal == 0)
  }

  /// A traffic cell is another binding's soon after its own is gone: the two are told apart by their prefixes.
  @Test func cellOfAnotherBinding() throws {
    let table = try Base.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    _ = Base.hold(&buffer, 1, binding: 7, prefix: 1, nil, now: 1)
    _ = Base.hold(&buffer, 2, binding: 7, prefix: 2, nil, now: 1)
    let queues = (buffer.queue(of: Base.key(7, prefix: 1)), buffer.queue(of: Base.key(7, prefix: 2)))
    #expect(queues.0 != queues.1 && queues.0 != 0 && queues.1 != 0)
    buffer.setMode(queues.0, .cancelled, generation: 2, now: 2)
    buffer.setMode(queues.1, .draining, generation: 2, now: 2)
    #expect(
      Base.serve(&buffer, now: 2).map(\.fate) == [
        HandoverModel.Fate(number: 1, kind: .cancel), HandoverModel.Fate(number: 2, kind: .release),
      ])
  }

  /// Ten thousand queues may be due at the moment at which their bindings change: a turn looks at a few.
  @Test func looksAtDueQueuesAreBounded() throws {
    let table = try Base.table()
    var buffer = try HandoverBuffer(limits: HandoverLimits(), payload: 64, accounts: table.handoverLedger.accounts)
    for binding in 1...300 {
      _ = Base.hold(&buffer, 0, binding: UInt32(binding), nil, now: 0)
      buffer.setMode(buffer.queue(of: Base.key(UInt32(binding))), .draining, generation: 2, now: 1)
    }
    var checks = 16
    var looks = 0
    while case .check(let queue) = buffer.next(now: 1, generation: 3, checks: &checks), looks < 300 {
      looks += 1
      buffer.setMode(queue, .waiting, generation: 3, now: 1)
    }
    #expect(looks == 16 && checks == 0)
  }
}
