import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a seeded generator, so that a random test can be repeated.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    // Wrapping is the definition of the generator: arithmetic modulo 2^64.
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// FASTPATH_SEED if it is set to a number, else a fresh one; every random test prints it.
func seedFromEnvironment() -> UInt64 {
  ProcessInfo.processInfo.environment["FASTPATH_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)
}
