import FlowTable
import Synchronization

/// Looks random mobile nodes of `ReplacementTests` up and judges the answers. One for each reader thread, and used by
/// that thread alone until it has ended.
final class ReplacementJudge: @unchecked Sendable {
  /// Which rounds have begun and ended, as the readers may know it.
  final class Progress: Sendable {
    let begun = Atomic<Int>(0)
    let ended = Atomic<Int>(0)
  }

  private let fixture: Fixture
  private let progress: Progress
  private var generator: SeededGenerator
  private(set) var answers = 0
  private(set) var roundsSeen: Set<Int> = []

  init(_ fixture: Fixture, _ progress: Progress, seed: UInt64) {
    self.fixture = fixture
    self.progress = progress
    generator = SeededGenerator(seed: seed)
  }

  /// - Returns: the number of wrong answers of one turn.
  func turn() -> Int {
    let nodes = (0..<1 + generator.below(60)).map { _ in generator.below(ReplacementTests.nodes) }
    // The keys of one node are far apart, in different chunks of a large batch.
    let numbers = (0..<5).flatMap { place in nodes.map { $0 * 5 + place } }
    let keys = numbers.map { LookupKey(ReplacementTests.keys[$0].prefix.address) }
    var results = [UInt32](repeating: 0, count: keys.count)
    var span = results.mutableSpan
    // What had ended before the snapshot is in it; what begins after the look-up is not.
    let ended = progress.ended.load(ordering: .acquiring)
    let snapshot = fixture.table.view.snapshot()
    snapshot.lookupBindings(keys.span, into: &span)
    var wrong = 0
    let rounds = zip(numbers, results).map { number, result -> Int? in
      guard result != 0 else { return nil }
      let round = Self.round(snapshot.binding(result), number, fixture.tunnels)
      if round == nil { wrong += 1 }
      return round
    }
    let begun = progress.begun.load(ordering: .acquiring)
    answers += numbers.count
    roundsSeen.formUnion(rounds.compactMap { $0 })
    for (number, round) in zip(numbers, rounds) where !isPossible(number, round, from: ended, to: begun) { wrong += 1 }
    return wrong + mixtures(rounds, nodes: nodes.count)
  }

  /// The round that an entry tells in each of its fields; nil if they tell different ones.
  private static func round(_ entry: BindingEntry, _ number: Int, _ tunnels: [TunnelID]) -> Int? {
    let key = ReplacementTests.keys[number]
    let round = Int(entry.accessMAC.value >> 8)
    let isWhole =
      entry.network == key.prefix.address && entry.prefixLength == Int(key.prefix.length) && entry.hasAccess
      && Int(entry.accessMAC.value & 0xff) == number % 256 && Int(entry.accessPort) == round % 200
      && entry.tunnel == tunnels[round % tunnels.count]
    return isWhole ? round : nil
  }

  /// Whether a key may be of a round, or absent, when the snapshot was taken between the end of one round and the
  /// beginning of another.
  private func isPossible(_ number: Int, _ round: Int?, from ended: Int, to begun: Int) -> Bool {
    let isOut = { (round: Int) in round % 2 == 1 && ReplacementTests.comesAndGoes(number) }
    guard let round else { return (ended...begun).contains(where: isOut) }
    return round >= ended && round <= begun && !isOut(round)
  }

  /// How many nodes are half of one round and half of another; and whether rounds are together that cannot be: more than
  /// two, two that do not follow each other, or any beside one that came in a single batch.
  private func mixtures(_ rounds: [Int?], nodes: Int) -> Int {
    let mixed = (0..<nodes).count { node in
      Set(stride(from: node, to: rounds.count, by: nodes).compactMap { rounds[$0] }).count > 1
    }
    let all = rounds.compactMap { $0 }
    guard let oldest = all.min(), let newest = all.max(), newest != oldest else { return mixed }
    return mixed + (newest - oldest > 1 || newest % 2 == 0 ? 1 : 0)
  }
}
