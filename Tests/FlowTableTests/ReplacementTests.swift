import FlowTable
import Glibc
import Testing

/// A writer that replaces everything, again and again, beside readers that spin, pause and come back.
@Suite(.serialized) struct ReplacementTests {
  /// Mobile nodes of five keys each, of the lengths that a mobility anchor has. Under a sanitizer there are fewer, and as
  /// many rounds.
  static let nodes = max(100, 10 * testShare)
  static let keys: [BindingKey] = (0..<nodes * 5).map { number in
    let address =
      number % 5 == 4
      ? IPAddress(ipv4: 0xcb00_0000 | UInt32(number))
      : IPAddress(ipv6High: 0x2001_0db8_0100_0000 | UInt64(number), low: 9)
    let length = [64, 64, 128, 64, 32][number % 5]
    return BindingKey(table: number % 7 == 3 ? .mobile : .proxy, prefix: Prefix(covering: address, length: length))
  }

  /// Every sixteenth key is taken out in odd rounds and put back in even ones.
  static func comesAndGoes(_ number: Int) -> Bool { number % 16 == 5 }

  /// The binding of a round, in which every field tells the round.
  static func binding(_ number: Int, round: Int, _ tunnels: [TunnelID]) -> Binding {
    Binding(
      key: keys[number], tunnel: tunnels[round % tunnels.count],
      access: AccessLink(
        port: UInt8(round % 200), mac: MACAddress(UInt64(round) << 8 | UInt64(number % 256)), vlan: nil))
  }

  /// Keys that nobody asks for: they make the storages grow in the first half of the rounds and go in the second.
  private static func filler(_ round: Int, of rounds: Int, _ tunnels: [TunnelID]) -> [TableWriter.BindingChange] {
    let isFilling = round <= rounds / 2
    let first = (isFilling ? round : round - rounds / 2) * 100 * nodes / rounds
    return (first..<first + 100 * nodes / rounds).map { number in
      let address = IPAddress(ipv6High: 0x2001_0db8_0200_0000 | UInt64(number), low: 0)
      let key = BindingKey(table: .proxy, prefix: Prefix(covering: address, length: 64))
      return isFilling ? .set(Binding(key: key, tunnel: tunnels[0])) : .remove(key)
    }
  }

  /// Every answer is the old or the new value, a mobile node changes whole, a round in one batch is seen whole or not at
  /// all, and a key that is never absent is never missed: while storages grow, and readers go offline and come back.
  @Test func everythingReplacedAThousandTimes() throws {
    let seed = testSeed("everythingReplacedAThousandTimes")
    let fixture = try Fixture(retired: 1 << 16, workers: 2, seed: seed)
    let progress = ReplacementJudge.Progress()
    let judges = (0..<2).map { ReplacementJudge(fixture, progress, seed: seed &+ UInt64($0)) }
    try fixture.writer.apply(Self.keys.indices.map { .set(Self.binding($0, round: 0, fixture.tunnels)) })
    let slots = fixture.writer.statistics.proxyTable.slots
    let readers = judges.enumerated().map { worker, judge in
      ReaderThread(fixture, worker: worker, pauses: seed &+ 7 &+ UInt64(worker)) { _ in judge.turn() }
    }
    let rounds = 1000
    for round in 1...rounds {
      progress.begun.store(round, ordering: .releasing)
      let changes: [TableWriter.BindingChange] = Self.keys.indices.map { number in
        round % 2 == 1 && Self.comesAndGoes(number)
          ? .remove(Self.keys[number]) : .set(Self.binding(number, round: round, fixture.tunnels))
      }
      // Even rounds are one batch; odd ones go by pieces of whole mobile nodes.
      let piece = round % 2 == 0 ? changes.count : 5 * (1 + round % 40)
      for start in stride(from: 0, to: changes.count, by: piece) {
        try fixture.applyWithPatience(Array(changes[start..<min(start + piece, changes.count)]))
        if start % 3 == 0 { fixture.writer.reclaim() }
      }
      progress.ended.store(round, ordering: .releasing)
      try fixture.applyWithPatience(Self.filler(round, of: rounds, fixture.tunnels))
      if round % (rounds / 10) == 0 { try fixture.writer.expectSound("seed \(seed), round \(round)") }
    }
    // On a busy machine the readers may have had little of the processors.
    while readers.contains(where: { $0.pauses < 20 }) { usleep(1000) }
    #expect(fixture.writer.statistics.proxyTable.slots >= 4 * slots, "the storages have grown")
    for (reader, judge) in zip(readers, judges) {
      #expect(reader.finish() == 0, "seed \(seed)")
      #expect(judge.answers > 1000 && judge.roundsSeen.count > 1)
    }
    fixture.writer.reclaim()
    try fixture.writer.expectSound("seed \(seed)")
    #expect(fixture.writer.statistics.retired == 0)
  }

  /// One reader never moves: the retire queue fills up and stays as it is, changes are refused and change nothing, the
  /// worker is named, and its own answers stay as they were. When it moves, everything goes on.
  @Test func stuckReaderBoundsMemory() throws {
    let seed = testSeed("stuckReaderBoundsMemory")
    var generator = SeededGenerator(seed: seed)
    let fixture = try Fixture(retired: 500, workers: 2, seed: seed)
    let (writer, quiescence) = (fixture.writer, fixture.table.quiescence)
    let present = Array(Self.keys.indices.filter { !Self.comesAndGoes($0) }.prefix(2000))
    try writer.apply(present.map { .set(Self.binding($0, round: 0, fixture.tunnels)) })
    quiescence.online(0)
    quiescence.online(1)
    let held = fixture.table.view.snapshot()
    let memory = writer.memory
    var (refusals, applied) = (0, [Int](repeating: 0, count: present.count))
    for round in 1...2000 {
      let places = (0..<1 + generator.below(8)).map { _ in generator.below(present.count) }
      let generation = writer.generation
      do {
        try writer.apply(places.map { .set(Self.binding(present[$0], round: round, fixture.tunnels)) })
        for place in places { applied[place] = round }
      } catch {
        refusals += 1
        #expect(error == .retireQueueFull(capacity: 500) && writer.generation == generation)
      }
      // Worker 0 moves and frees nothing by that.
      quiescence.report(0)
      writer.reclaim()
      if round % 100 == 0 { try writer.expectSound("seed \(seed), round \(round)") }
    }
    let statistics = writer.statistics
    #expect(refusals > 1000 && statistics.retired > 490 && statistics.retired <= 500)
    #expect(statistics.laggingWorkers == [1] && writer.reportedGeneration(by: 1) < writer.generation)
    #expect(writer.memory.total <= memory.total + 500 * (64 + 32 + 32))
    let addresses = present.map { Self.keys[$0].prefix.address }
    #expect(held.find(addresses) == present.map { Found(Self.binding($0, round: 0, fixture.tunnels)) })
    let expected = zip(present, applied).map { Found(Self.binding($0, round: $1, fixture.tunnels)) }
    #expect(fixture.table.view.snapshot().find(addresses) == expected)
    quiescence.report(1)
    quiescence.report(0)
    writer.reclaim()
    #expect(writer.statistics.retired == 0 && writer.statistics.laggingWorkers == [])
    try writer.apply(present.prefix(400).map { .set(Self.binding($0, round: 9999, fixture.tunnels)) })
    try writer.expectSound("seed \(seed)")
  }
}
