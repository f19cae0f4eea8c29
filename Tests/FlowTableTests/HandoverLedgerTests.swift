import FlowTable
import Glibc
import Synchronization
import Testing

/// Accounts of held packets.
@Suite(.serialized) struct HandoverLedgerTests {
  @Test func limitsOfNodeAndTotal() throws {
    let fixture = try Fixture()
    let ledger = fixture.table.handoverLedger
    let accounts = ledger.accounts
    let (one, other) = (try #require(ledger.open()), try #require(ledger.open()))
    #expect(one != other && one.rawValue > 0 && ledger.openCount == 2)
    for _ in 0..<3 { #expect(accounts.take(one, perNode: 3, total: 5)) }
    #expect(!accounts.take(one, perNode: 3, total: 5))
    for _ in 0..<2 { #expect(accounts.take(other, perNode: 3, total: 5)) }
    // The node would have room, all together have none; what was noted for the node is taken back.
    #expect(!accounts.take(other, perNode: 3, total: 5) && !accounts.take(nil, perNode: 3, total: 5))
    #expect(ledger.held(one) == 3 && ledger.held(other) == 2 && ledger.heldTotal == 5)
    accounts.give(one)
    #expect(accounts.take(nil, perNode: 3, total: 5))
    #expect(ledger.held(one) == 2 && ledger.heldTotal == 5)
    accounts.give(nil)
    #expect(!accounts.take(one, perNode: 0, total: 5) && !accounts.take(one, perNode: 3, total: 0))
    #expect(ledger.heldTotal == 4)
  }

  @Test func accountWaitsForReadersAndForItsPackets() throws {
    let fixture = try Fixture()
    let (ledger, quiescence) = (fixture.table.handoverLedger, fixture.table.quiescence)
    var all: [HoldingID] = []
    while let id = ledger.open() { all.append(id) }
    #expect(all.count == 65_536 && Set(all).count == all.count)
    let id = all[77]
    quiescence.online(0)
    try fixture.writer.apply([.set(try fixture.binding("2001:db8::/64"))])
    ledger.close(id)
    // A worker that has not passed may still take.
    #expect(ledger.open() == nil)
    #expect(ledger.accounts.take(id, perNode: 1, total: 1))
    quiescence.report(0)
    #expect(ledger.open() == nil)
    ledger.accounts.give(id)
    #expect(ledger.open() == id)
    #expect(ledger.held(id) == 0 && ledger.open() == nil)
  }

  /// Handovers begin while thirty thousand others end, of which packets are still held: an account more costs as much as
  /// without them. (Going through those that are closing for each cost thousands of times as much.)
  @Test func openingDoesNotWaitForThoseThatClose() throws {
    func seconds(closing: Int) throws -> Double {
      let fixture = try Fixture()
      let ledger = fixture.table.handoverLedger
      let ids = (0..<closing).compactMap { _ in ledger.open() }
      for id in ids { _ = ledger.accounts.take(id, perNode: 1, total: .max) }
      #expect(ledger.heldTotal == closing)
      for id in ids { ledger.close(id) }
      let start = Self.threadSeconds
      var opened = 0
      while opened < 20_000, ledger.open() != nil { opened += 1 }
      #expect(opened == 20_000)
      return Self.threadSeconds - start
    }
    let (none, many) = (try seconds(closing: 0), try seconds(closing: 30_000))
    #expect(many < 20 * none + 0.1)
  }

  /// What this thread has used of a CPU: others may have it meanwhile.
  private static var threadSeconds: Double {
    var time = timespec()
    // An out parameter of this frame.
    let status = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    precondition(status == 0, "a thread can always ask for its own time")
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Accounts that close when all have been open: one whose packet is given back only later is found as well.
  @Test func accountIsFoundWhenItsPacketHasGone() throws {
    let fixture = try Fixture()
    let ledger = fixture.table.handoverLedger
    var all: [HoldingID] = []
    while let id = ledger.open() { all.append(id) }
    for id in all.prefix(3) {
      #expect(ledger.accounts.take(id, perNode: 1, total: 9))
      ledger.close(id)
    }
    #expect(ledger.open() == nil && ledger.open() == nil)
    ledger.accounts.give(all[1])
    #expect(ledger.open() == all[1])
    #expect(ledger.open() == nil)
  }

  /// The audit knows which accounts a binding may name.
  @Test func closedAccountIsFound() throws {
    let fixture = try Fixture()
    let ledger = fixture.table.handoverLedger
    let id = try #require(ledger.open())
    var binding = try fixture.binding("2001:db8::/64")
    binding.holding = id
    try fixture.writer.apply([.set(binding)])
    try fixture.writer.expectSound()
    ledger.close(id)
    #expect(!ledger.isOpen(id) && !ledger.isOpen(HoldingID(id.rawValue + 1)) && !ledger.isOpen(HoldingID(0)))
    #expect(try TableAudit.run(fixture.writer).findings.map(\.invariant) == [.account])
    try fixture.writer.apply([.remove(binding.key)])
    try fixture.writer.expectSound()
  }

  /// Four threads take and give at random: the limits are never passed, and nothing is lost. A take may be refused only
  /// when a limit was reached, which a thread that is alone can tell.
  @Test func manyWorkers() throws {
    let seed = testSeed("manyWorkers")
    let fixture = try Fixture()
    let ledger = fixture.table.handoverLedger
    let ids = (0..<3).compactMap { _ in ledger.open() }
    let (perNode, total) = (40, 100)
    let workers = (0..<4).map { LedgerWorker(ledger.accounts, ids, seed &+ UInt64($0), perNode, total) }
    var peaks = (node: 0, total: 0)
    while workers.contains(where: { !$0.isDone }) {
      for id in ids { peaks.node = max(peaks.node, ledger.held(id)) }
      peaks.total = max(peaks.total, ledger.heldTotal)
    }
    let held = workers.map { $0.finish() }
    #expect(peaks.node <= perNode && peaks.total <= total && peaks.total > 0)
    for (number, id) in ids.enumerated() { #expect(ledger.held(id) == held.reduce(0) { $0 + $1[number] }) }
    #expect(ledger.heldTotal == held.reduce(0) { $0 + $1.reduce(0, +) })
    #expect(workers.allSatisfy { $0.refusals > 0 })
  }
}

/// A thread that takes and gives.
private final class LedgerWorker: @unchecked Sendable {
  private let accounts: HandoverAccounts
  private let ids: [HoldingID]
  private let limits: (perNode: Int, total: Int)
  private var generator: SeededGenerator
  private let done = Atomic<Bool>(false)
  // Written by the thread before it ends, read after the join.
  private var held: [Int]
  private(set) var refusals = 0
  private var thread = pthread_t()

  init(_ accounts: HandoverAccounts, _ ids: [HoldingID], _ seed: UInt64, _ perNode: Int, _ total: Int) {
    self.accounts = accounts
    self.ids = ids
    limits = (perNode, total)
    generator = SeededGenerator(seed: seed)
    // One count for each account, and one for packets of no account.
    held = [Int](repeating: 0, count: ids.count + 1)
    let context = unsafe Unmanaged.passRetained(self)
    // The thread takes over the retained reference.
    let error = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe argument.map { unsafe Unmanaged<LedgerWorker>.fromOpaque($0).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    precondition(error == 0)
  }

  var isDone: Bool { done.load(ordering: .acquiring) }

  func finish() -> [Int] {
    pthread_join(thread, nil)
    return held
  }

  private func run() {
    for _ in 0..<400_000 {
      let number = generator.below(held.count)
      let id = number < ids.count ? ids[number] : nil
      if generator.oneIn(2) {
        if accounts.take(id, perNode: limits.perNode, total: limits.total) { held[number] += 1 } else { refusals += 1 }
      } else if held[number] > 0 {
        accounts.give(id)
        held[number] -= 1
      }
    }
    done.store(true, ordering: .releasing)
  }
}
