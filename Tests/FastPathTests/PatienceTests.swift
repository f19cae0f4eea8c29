import FastPath
import Testing

/// Expectations from Documentation/virt/kvm/halt-polling.rst: grow after a short halt, shrink after a long one.
@Suite("How long a worker looks for packets before it sleeps")
struct PatienceTests {
  private func after(_ gaps: [UInt64], hasOwnCPU: Bool = true, pollsBusily: Bool = false) -> Patience {
    var patience = Patience(hasOwnCPU: hasOwnCPU, pollsBusily: pollsBusily)
    var now: UInt64 = 1_000_000
    for gap in gaps {
      patience.lacksPackets(now)
      now += gap
      patience.received(now)
    }
    return patience
  }

  @Test("Twice as long after each gap that can be bridged, up to the longest; as at the beginning after another")
  func growing() {
    #expect(after([]).turns == Patience.shortest)
    for count in 1...10 {
      let expected = min(Patience.shortest << count, Patience.longest)
      #expect(after(Array(repeating: Patience.bridged - 1, count: count)).turns == expected)
    }
    let short = Array(repeating: UInt64(50_000), count: 8)
    #expect(after(short + [Patience.bridged]).turns == Patience.shortest)
    #expect(after(short + [500_000, 500_000]).turns == Patience.shortest)
    #expect(after([500_000, 50_000]).turns == 2 * Patience.shortest)
  }

  @Test("In a long gap it is as at the beginning before a packet has come, and the gap counts from its beginning")
  func asleep() {
    var patience = after(Array(repeating: 50_000, count: 8))
    #expect(patience.turns == Patience.longest && !patience.isInGap)
    patience.lacksPackets(1_000_000)
    #expect(patience.turns == Patience.longest && patience.isInGap)
    patience.lacksPackets(1_000_000 + Patience.bridged)
    #expect(patience.turns == Patience.shortest)
    patience.received(1_000_001 + Patience.bridged)
    #expect(patience.turns == Patience.shortest && !patience.isInGap)
  }

  @Test("It stays short where others need the CPU or the worker never sleeps, and without a gap nothing changes")
  func shared() {
    let short = Array(repeating: UInt64(50_000), count: 8)
    #expect(after(short, hasOwnCPU: false).turns == Patience.shortest)
    #expect(after(short, pollsBusily: true).turns == Patience.shortest)
    var patience = Patience(hasOwnCPU: true, pollsBusily: false)
    patience.received(1_000_000)
    #expect(patience.turns == Patience.shortest)
  }
}
