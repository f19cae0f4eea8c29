import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same sequence everywhere.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// The seed of a random test: `FASTPATH_SEED`, or a fresh one; printed with the line that runs it again.
func testSeed(_ test: String) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["FASTPATH_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: 0...UInt64.max)
  print("\(test): seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter \(test)")
  return seed
}
