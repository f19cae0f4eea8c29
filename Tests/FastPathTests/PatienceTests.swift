import FastPath
import Testing

/// Expectations from Documentation/virt/kvm/halt-polling.rst: grow after a short halt, shrink after a long one.
@Suite("How long a worker looks for packets before it sleeps")
struct PatienceTests {
  private let short = Patience.shortSleep - 1

  @Test("Twice as long after each short sleep, up to the longest; as at the beginning after a long one")
  func growing() {
    var patience = Patience(mayGrow: true)
    #expect(patience.turns == Patience.shortest && !patience.hasSlept)
    var expected = Patience.shortest
    for _ in 0..<10 {
      patience.sleeps(1_000_000)
      #expect(patience.hasSlept)
      patience.received(1_000_000 + short)
      expected = min(expected * 2, Patience.longest)
      #expect(patience.turns == expected && !patience.hasSlept)
    }
    #expect(expected == Patience.longest)
    patience.sleeps(1_000_000)
    patience.received(1_000_000 + Patience.shortSleep)
    #expect(patience.turns == Patience.shortest)
  }

  @Test("Sleeps between two packets count from the first")
  func together() {
    var patience = Patience(mayGrow: true)
    patience.sleeps(1_000_000)
    patience.sleeps(1_000_000 + short)
    patience.received(1_000_000 + 2 * short)
    #expect(patience.turns == Patience.shortest)
  }

  @Test("It stays short where others need the CPU, and without a sleep nothing changes")
  func shared() {
    var shared = Patience(mayGrow: false)
    shared.sleeps(1_000_000)
    shared.received(1_000_001)
    #expect(shared.turns == Patience.shortest && !shared.hasSlept)
    var own = Patience(mayGrow: true)
    own.received(1_000_000)
    #expect(own.turns == Patience.shortest)
  }
}
