import Glibc

/// A small deterministic generator (splitmix64, Steele et al. 2014) whose seed a failing test can be run again with.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  mutating func oneIn(_ chances: Int) -> Bool { below(chances) == 0 }
}

/// The run's seed: FASTPATH_SEED, or a random one. Printed with the line that runs the test again.
func testSeed(_ test: String) -> UInt64 {
  // The environment is not changed while tests run.
  let given = unsafe getenv("FASTPATH_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
  let seed = given ?? UInt64.random(in: 1...UInt64(UInt32.max))
  print("\(test): seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter FastPathTests")
  return seed
}
